"""Code maps (v2 table to FHIR) and the systems of coding system names (table 0396)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import quote

from integrations.hl7v2.mapping.site import SiteMapping

_REMEMBERED = 4096
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`]+")
V2_SYSTEM = "http://terminology.hl7.org/CodeSystem/v2-"


class Mapped(NamedTuple):
    """The FHIR side of a code."""

    code: str
    system: str
    display: str


@dataclass(frozen=True)
class CodeMap:
    """One concept map: `table` is the HL7 table, `texts` the meaning of its own codes."""

    table: str
    codes: Mapping[str, Mapped]
    texts: Mapping[str, str]


@dataclass(frozen=True)
class CodeTables:
    """All code maps of a site and the systems of coding system names."""

    maps: Mapping[str, CodeMap]
    systems: Mapping[str, str]
    local_system: str
    _folded: dict[str, CodeMap] = field(default_factory=dict)
    _found: dict[str, str] = field(default_factory=dict)

    def map(self, name: str) -> CodeMap | None:
        """The map called `name`, as the tables write it: spaces, slashes and case aside."""
        return self.maps.get(name) or self._folded.get(_fold(name))

    def system(self, name: str) -> str:
        """The URI of a coding system name such as LN, HL70001 or 99LAB; "" for "local"."""
        if not name:
            return ""
        found = self._found.get(name)
        if found is None:
            found = self._system(name)
            if len(self._found) < _REMEMBERED:
                self._found[name] = found
        return found

    def _system(self, name: str) -> str:
        key = name.upper()
        found = self.systems.get(name) or self.systems.get(key)
        if found is not None:
            return found
        if key.startswith("HL7") and len(key) >= 7 and key[3:7].isdigit():
            return V2_SYSTEM + key[3:7]
        if key.startswith("V2-") and key[3:7].isdigit():
            return V2_SYSTEM + key[3:7]
        if ("://" in name or name.startswith("urn:")) and _URI.fullmatch(name):
            return name
        if name and all(part.isdigit() for part in name.split(".")) and name.count(".") > 2:
            return f"urn:oid:{name}"
        return self.local_system + "code-system:" + quote(name, safe="") if name else ""


def code_tables(
    maps: Mapping[str, Any], systems: Mapping[str, str], site: SiteMapping
) -> CodeTables:
    """The tables with the site's changes."""
    made = {
        name: CodeMap(
            held["table"],
            {code: Mapped(*target) for code, target in held["codes"].items()},
            held["texts"],
        )
        for name, held in maps.items()
    }
    for name, changes in site.code_maps.items():
        old = made.get(name, CodeMap("", {}, {}))
        new = {code: Mapped(*target) for code, target in changes.items()}
        made[name] = CodeMap(old.table, {**old.codes, **new}, old.texts)
    return CodeTables(
        made,
        {**systems, **site.code_systems},
        site.local_system,
        {_fold(name): held for name, held in made.items()},
    )


def _fold(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())
