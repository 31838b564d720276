"""Writes docs/reference/settings.md from the models: python -m aimed.settings_reference."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import PydanticUndefined, to_jsonable_python

from aimed.settings import Settings

PAGE = Path("docs/reference/settings.md")
_HEAD = """# Settings

Environment variables, read once when a process starts. This page is made from the code by
`python -m aimed.settings_reference`.

| variable | default | meaning |
|---|---|---|
"""


def page() -> str:
    """The whole page."""
    rows = [
        f"| `{name}` | `{default}` | {meaning} |"
        for name, default, meaning in _rows(Settings, "AIMED_")
    ]
    return _HEAD + "\n".join(rows) + "\n"


def _rows(model: type[BaseModel], prefix: str) -> Iterator[tuple[str, str, str]]:
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from _rows(kind, f"{prefix}{name.upper()}__")
        else:
            yield f"{prefix}{name.upper()}", _default(field.default), field.description or ""
            yield from _members(kind, f"{prefix}{name.upper()}[]")


def _members(kind: Any, prefix: str) -> Iterator[tuple[str, str, str]]:
    """What stands in each object of a JSON list, `[].tls.key` for example."""
    items = get_args(kind)
    model = items[0] if items and isinstance(items[0], type) else kind
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        return
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from _members(inner, f"{prefix}.{name}")
        elif field.description:
            yield f"{prefix}.{name}", _default(field.default), field.description


def _default(value: Any) -> str:
    if value is None or value is PydanticUndefined:
        return "not set"
    plain = to_jsonable_python(value)
    return plain if isinstance(plain, str) else json.dumps(plain)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
