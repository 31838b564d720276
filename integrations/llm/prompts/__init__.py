"""Versioned prompts, as data files in this package: one folder for each version.

A version that was used is never changed: notes name it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.resources import files
from typing import Any


@dataclass(frozen=True)
class Prompt:
    """What the model is told, and the JSON schema of its answer."""

    version: int
    system: str
    schema: dict[str, Any]


def load(version: int, language: str) -> Prompt:
    """The prompt of that version. Raises `ValueError` when there is none."""
    folder = files("integrations.llm.prompts").joinpath(str(version))
    if not folder.is_dir():
        raise ValueError(f"There is no prompt {version}: set AIMED_LLM__PROMPT to one that is.")
    system = folder.joinpath("system.md").read_text("utf-8").format(language=language)
    schema: dict[str, Any] = json.loads(folder.joinpath("schema.json").read_text("utf-8"))
    return Prompt(version, system, schema)
