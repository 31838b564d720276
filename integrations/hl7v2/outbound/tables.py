"""The mapping tables from FHIR to HL7 v2: read from `data`, changed by a destination's own file.

    {"triggers": {"ADT^A31": "ADT^A08"},          send one trigger as another, or null: not at all
     "segments": {"PID": {"fields": {"18": {...}, "24": null}}},
     "datatypes": {...}, "codes": {...},
     "messages": {"mdm": {"segments": {...}}},
     "assigners": {"http://hospital.example/mrn": "HOSP&1.2.3.4&ISO"}}

What a destination's file names replaces or adds to what is here, member by member; null removes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from fhir_server.fhirpath import InvalidExpression, compile_expression

FAMILIES = ("mdm", "oru", "adt", "siu")
Spec = Mapping[str, Any]
"""How one value is made: `path`, `type`, `repeat`, `fixed`, `codes`, `default`, `keep`, `when`,
`counter`, `part`. A list of them: the first that gives something."""

_PATHS = {"path", "when", "focus"}


class UnusableMapping(Exception):
    """A mapping file cannot be used; the text says which and why."""


@dataclass(frozen=True)
class Tables:
    """All tables of one destination, in the form of the files."""

    segments: Mapping[str, Any]
    datatypes: Mapping[str, Any]
    codes: Mapping[str, Any]
    messages: Mapping[str, Any]
    rules: Mapping[str, Any]
    triggers: Mapping[str, str | None]
    assigners: Mapping[str, str]

    def code(self, table: str, value: str) -> str | None:
        """The code of HL7 v2 that stands for `value`."""
        found: str | None = self.codes[table]["map"].get(value)
        return found


def load_tables(override: Path | None = None) -> Tables:
    """The tables, with those of the file. Raises `UnusableMapping`."""
    changed: dict[str, Any] = json.loads(_standard())
    if override is not None:
        changed = merged(changed, _read(override))
    tables = Tables(**{name: changed[name] for name in Tables.__dataclass_fields__})
    try:
        _check(changed)
    except InvalidExpression as error:
        raise UnusableMapping(f"{override or 'the tables'}: {error}") from None
    return tables


def merged(base: Any, change: Any) -> Any:
    """`base` with the members of `change` in their places; null removes a member."""
    if not isinstance(base, dict) or not isinstance(change, dict):
        return change
    kept = {name: value for name, value in base.items() if name not in change}
    new = {
        name: merged(base.get(name), value) for name, value in change.items() if value is not None
    }
    return {**kept, **new}


def _read(path: Path) -> dict[str, Any]:
    known = set(Tables.__dataclass_fields__)
    try:
        read = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise UnusableMapping(f"{path}: {type(error).__name__}") from None
    if not isinstance(read, dict) or not set(read) <= known:
        raise UnusableMapping(f"{path}: its members are {', '.join(sorted(known))}")
    # "ADT^A31": null stands for "not at all" and is no removal.
    never = {name: "" for name, value in (read.get("triggers") or {}).items() if value is None}
    return {**read, "triggers": {**(read.get("triggers") or {}), **never}}


def _check(part: Any) -> None:
    """Every expression compiles."""
    if isinstance(part, dict):
        for name, value in part.items():
            if name in _PATHS and isinstance(value, str):
                compile_expression(value)
            _check(value)
    elif isinstance(part, list):
        for one in part:
            _check(one)


@lru_cache(maxsize=1)
def _standard() -> str:
    data = files("integrations.hl7v2.outbound").joinpath("data")

    def read(name: str) -> Any:
        return json.loads(data.joinpath(name).read_text("utf-8"))

    return json.dumps(
        {
            "segments": read("segments.json")["segments"],
            "datatypes": read("datatypes.json")["types"],
            "codes": read("codes.json")["codes"],
            "messages": {one: read(f"messages/{one}.json") for one in FAMILIES},
            "rules": read("triggers.json")["rules"],
            "triggers": {},
            "assigners": {},
        }
    )


def message_types() -> frozenset[str]:
    """The FHIR types that changes are looked at of."""
    return frozenset(json.loads(_standard())["rules"])
