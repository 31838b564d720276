"""Reads the JSON data files of this package."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def dataset(name: str) -> dict[str, Any]:
    """The content of `data/<name>.json`, parsed once. Callers must not change it."""
    content = files("terminology").joinpath("data", f"{name}.json").read_text("utf-8")
    parsed: dict[str, Any] = json.loads(content)
    return parsed
