"""Which maps a segment is read by, and what its resource is linked with.

{"make": "Encounter", "map": "PV1[Encounter]", "policy": "encounter",
 "link": {"subject": "Patient"},        elements of it that refer to other drafts, if there are
 "refer": {"Account": "..."},           elements of other drafts that refer to it
 "refer_late": {"...": "..."},          the same for drafts that later segments make
 "identify": ["identifier", ["visit", "@Patient", "PV1-44"]],
 "moment": ["EVN-2", "MSH-7"], "when": "...", "set": {"status": "unknown"},
 "unless": true,                        fills the one of that name when there is one
 "need": ["code"],                      no draft without these elements
 "roles": {"of": "@Patient", "control": "ORC-1"},
 "over": "Specimen:order",              that draft where it is: this leads, what it told fills
 "fills": "Specimen",                   where that draft is, only fills what it leaves open
 "together": ["OBX-4", "OBX-3.1"]}      segments alike in the first fill the same entries of lists,
                                        until one repeats the second
{"into": "Patient", "map": "PD1[Patient]"}
{"leave": "why nothing is made of it", "when": "..."}
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from integrations.hl7v2.mapping.conditions import (
    Condition,
    FieldPath,
    compile_condition,
    field_path,
)
from integrations.hl7v2.mapping.draft import Policy
from integrations.hl7v2.mapping.paths import Target, resolve
from integrations.hl7v2.mapping.rows import RowError, SegmentMap

_KNOWN = frozenset((
    "make", "into", "map", "as", "when", "link", "refer", "refer_late", "identify", "moment",
    "policy", "set", "need", "note", "unless", "roles",
    "otherwise", "together", "leave", "over", "fills",
))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Composite:
    """An identity made of parts: `@Patient` is that draft's, the rest are fields; `?` may lack."""

    name: str
    parts: tuple[tuple[str, FieldPath | None, bool], ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `name` is what other rules call the draft, its type unless `as` says otherwise."""

    make: bool
    type: str
    name: str
    map: SegmentMap | None
    when: Condition | None
    links: tuple[tuple[Target, str], ...]
    refers: tuple[tuple[str, Target], ...]
    refers_late: tuple[tuple[str, Target], ...]
    identify: tuple[str | Composite, ...]
    moment: tuple[FieldPath, ...]
    policy: Policy
    constants: tuple[tuple[Target, Any], ...]
    need: tuple[str, ...]
    unless: bool
    otherwise: bool
    roles: tuple[tuple[str, str, FieldPath | None], ...]
    together: tuple[FieldPath, ...]
    leave: str
    over: str
    fills: str


def compile_rule(row: Mapping[str, Any], maps: Mapping[str, SegmentMap]) -> Rule:
    """The rule of `row`. Raises `RowError`, `PathError` or `ConditionError`."""
    unknown = set(row) - _KNOWN
    if unknown:
        raise RowError(f"unknown keys: {', '.join(sorted(unknown))}")
    if sum(key in row for key in ("make", "into", "leave")) != 1:
        raise RowError("a rule makes a resource, goes into one, or leaves the segment out")
    type = row.get("make") or row.get("into", "")
    name = row.get("as", type)
    type = type.partition(":")[0]
    map = maps.get(row["map"]) if "map" in row else None
    if "map" in row and map is None:
        raise RowError(f"there is no map {row['map']!r}")
    return Rule(
        make="make" in row,
        type=type,
        name=row.get("into", name),
        leave=row.get("leave", ""),
        over=row.get("over", ""),
        fills=row.get("fills", ""),
        map=map,
        when=compile_condition(row["when"]) if "when" in row else None,
        links=tuple(
            (resolve(type, path, {}), other) for path, other in row.get("link", {}).items()
        ),
        refers=_others(row.get("refer", {})),
        refers_late=_others(row.get("refer_late", {})),
        identify=tuple(_identity(one) for one in row.get("identify", ())),
        moment=tuple(field_path(one) for one in row.get("moment", ())),
        policy=Policy(row.get("policy", "message")),
        constants=tuple(
            (resolve(type, path, {}), value) for path, value in row.get("set", {}).items()
        ),
        need=tuple(row.get("need", ())),
        unless=bool(row.get("unless", False)),
        otherwise=bool(row.get("otherwise", False)),
        roles=tuple(_role(*pair) for pair in row.get("roles", {}).items()),
        together=tuple(field_path(one) for one in row.get("together", ())),
    )


def _others(row: Mapping[str, str]) -> tuple[tuple[str, Target], ...]:
    """Elements of other drafts, by what these are called."""
    return tuple((name, resolve(name.partition(":")[0], path, {})) for name, path in row.items())


def _role(name: str, source: str) -> tuple[str, str, FieldPath | None]:
    """`@Patient` is the key of that draft, anything else a field."""
    if source.startswith("@"):
        return name, source[1:], None
    return name, "", field_path(source)


def _identity(one: Any) -> str | Composite:
    if isinstance(one, str):
        return one
    name, *parts = one
    return Composite(name, tuple(_part(part) for part in parts))


def _part(text: str) -> tuple[str, FieldPath | None, bool]:
    optional = text.endswith("?")
    text = text.rstrip("?")
    if text.startswith("@"):
        return text[1:], None, optional
    return "", field_path(text), optional
