"""Where the definitions are wrong or stricter than anybody is: `data/known.json`, with reasons."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

from integrations.hl7v2.acknowledgement import Location


class Known:
    """What is let pass in one version."""

    def __init__(self, content: dict[str, Any], version: str) -> None:
        self._structures = {
            name: str(row["as"])
            for name, row in content["structures"]["instead"].items()
            if version in row["versions"]
        }
        self._optional = content["optional"]["groups"]
        self._required = _of(content["required"]["fields"], version)
        self._beyond = _of(content["beyond"]["places"], version)
        self._types = content["value_types"]["types"]
        lengths = content["lengths"]
        self._lengths: dict[str, int] = lengths["types"] if version in lengths["versions"] else {}
        self._free = lengths["free"]
        self._checked = frozenset(content["tables"]["checked"])
        self._instead = content["tables"]["instead"]

    def structure(self, name: str) -> str:
        """The structure that has the segments of this one."""
        return self._structures.get(name, name)

    def optional(self, group: str, segment: str) -> bool:
        """Whether a group does without a segment that it requires by the definitions."""
        return segment in self._optional.get(group, {}).get("segments", ())

    def may_lack(self, name: str) -> bool:
        """Whether a field (`OBX-4`) or a component of a type (`TS.2`) need not be valued."""
        return name in self._required

    def may_exceed(self, place: Location) -> bool:
        """Whether this field may stand there, or may have more components than its type."""
        return f"{place.segment}-{place.field}" in self._beyond

    def value_type(self, named: str) -> str:
        """What values of the type that OBX-2 names are held to, "" for nothing of the kind."""
        row = self._types.get(named)
        return str(row["as"]) if row else ""

    def longest(self, place: Location, datatype: str) -> int | None:
        """Most characters of a value, None where the version sets no limit."""
        free = f"{place.segment}-{place.field}" in self._free
        return None if free else self._lengths.get(datatype)

    def table(self, place: Location, table: str) -> str:
        """The table to look a value up in, "" for none."""
        row = self._instead.get(f"{place.segment}-{place.field}")
        chosen = row["table"] if row and not place.component else table
        return chosen if chosen in self._checked else ""


@cache
def known(version: str) -> Known:
    """For a version that there are definitions of."""
    return Known(_content(), version)


def held_to(version: str) -> str:
    """The version whose definitions are used for this one."""
    return str(_content()["versions"]["held_to"].get(version, version))


@cache
def _content() -> dict[str, Any]:
    place = files("integrations.hl7v2.structure").joinpath("data/known.json")
    content: dict[str, Any] = json.loads(place.read_text("utf-8"))
    return content


def _of(rows: dict[str, Any], version: str) -> frozenset[str]:
    return frozenset(name for name, row in rows.items() if version in row["versions"])
