"""Elements of resource and data types. FHIR R4 StructureDefinition snapshots, compiled."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any


@dataclass(frozen=True)
class Element:
    """One element of a type.

    `types` are data type names, or `@Patient.contact` for the elements listed under that path.
    `codings` are the (system, code) pairs of a required binding whose value set can be listed and
    `codes` their codes alone, both None where any goes. `summary` elements stay with
    `_summary=true`; `attribute` ones are XML attributes.
    """

    name: str
    types: tuple[str, ...]
    required: bool
    many: bool
    choice: bool
    targets: frozenset[str]
    codes: frozenset[str] | None
    codings: frozenset[tuple[str, str]] | None = None
    summary: bool = False
    attribute: bool = False


@cache
def resource_types() -> frozenset[str]:
    """The names of all concrete resource types."""
    return frozenset(_data()["resources"])


@cache
def primitive_types() -> frozenset[str]:
    """The names of all primitive types."""
    return frozenset(_data()["primitives"])


@cache
def elements_of(type: str) -> Mapping[str, Element]:
    """The elements of a type or of a path such as `Patient.contact`, empty for a primitive.

    They stand in the order of the definition, which is that of XML.
    """
    data = _data()
    members: dict[str, Any] = data["types"].get(type, {})
    return {name: _element(name, member, data["codes"]) for name, member in members.items()}


def _element(name: str, member: dict[str, Any], bound: dict[str, dict[str, list[str]]]) -> Element:
    listed = bound.get(member.get("vs", ""))
    pairs = [(system, code) for system, codes in (listed or {}).items() for code in codes]
    return Element(
        name=name,
        types=tuple(member["t"]),
        required=member.get("min", 0) > 0,
        many=member.get("max", "1") != "1",
        choice=member.get("choice", False),
        targets=frozenset(member.get("ref", ())),
        codes=None if listed is None else frozenset(code for _, code in pairs),
        codings=None if listed is None else frozenset(pairs),
        summary=member.get("sum", False),
        attribute=member.get("attr", False),
    )


@cache
def _data() -> dict[str, Any]:
    return load("elements.json.gz")


def load(name: str) -> dict[str, Any]:
    """Read one of the compiled data files."""
    packed = files("fhir_server.definitions").joinpath("data", name).read_bytes()
    data: dict[str, Any] = json.loads(gzip.decompress(packed))
    return data
