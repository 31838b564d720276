"""One field from a FHIR node by its specification: paths, types, codes, defaults."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import unquote

from fhir_server.fhirpath import Node, compile_expression
from fhir_server.fhirpath.scope import Resolve
from integrations.hl7v2.outbound.drafts import Component, Value, numbered
from integrations.hl7v2.outbound.tables import Spec, Tables
from integrations.hl7v2.outbound.values import PRIMITIVES

_UNIVERSAL = {"urn:oid:": "ISO", "urn:uuid:": "UUID", "dns:": "DNS"}
"""Kinds of universal ids, table 0301, by how their URIs begin."""

_LOCAL = "urn:aimed:hl7v2:"


@dataclass(frozen=True)
class Place:
    """Where a mapping is: the node it looks from, and what `%names` stand for."""

    tables: Tables
    focus: Node
    resource: Node
    resolve: Resolve
    variables: Mapping[str, list[Node]]
    counters: Counter[str] = field(default_factory=Counter)

    def at(self, focus: Node, **variables: list[Node]) -> Place:
        """The same, looking from another node."""
        return replace(self, focus=focus, variables={**self.variables, **variables})

    def select(self, path: str) -> list[Node]:
        """What a path selects here."""
        return compile_expression(path)(
            self.focus, resource=self.resource, resolve=self.resolve, variables=self.variables
        )

    def holds(self, condition: str | None) -> bool:
        """Whether a condition is true here; none is."""
        if condition is None:
            return True
        found = self.select(condition)
        return len(found) == 1 and found[0].value is True


def field_values(spec: Spec | list[Spec], place: Place) -> list[Value]:
    """The repetitions of a field; of several specifications the first that gives something."""
    for one in spec if isinstance(spec, list) else [spec]:
        found = _values(one, place)
        if found:
            return found
    return []


def _values(spec: Spec, place: Place) -> list[Value]:
    if not place.holds(spec.get("when")):
        return []
    if "counter" in spec:
        place.counters[spec["counter"]] += 1
        return [(str(place.counters[spec["counter"]]),)]
    if "fixed" in spec:
        return [(spec["fixed"],)]
    nodes = place.select(spec["path"])
    made = [_value(spec, place, one) for one in (nodes if spec.get("repeat") else nodes[:1])]
    kept = [one for one in made if any(one)]
    return kept or ([(spec["default"],)] if "default" in spec else [])


def _value(spec: Spec, place: Place, node: Node) -> Value:
    type = spec.get("type", "ST")
    if type in place.tables.datatypes:
        return numbered(_components(place.tables.datatypes[type], place.at(node)))
    if type == "HD":
        return _assigner(place, str(node.value))
    return (_text(spec, place, node),)


def _components(types: Mapping[str, Any], place: Place) -> dict[int, Component]:
    found = {int(number): _component(spec, place) for number, spec in types.items() if spec}
    filled = {number: one for number, one in found.items() if one}
    # A constant part says nothing alone: no `^^^L` for a name that is not there.
    fixed = {int(number) for number, spec in types.items() if spec and _is_constant(spec)}
    return filled if set(filled) - fixed else {}


def _is_constant(spec: Spec | list[Spec]) -> bool:
    parts = spec if isinstance(spec, list) else [spec]
    return any(part.keys() & {"fixed", "default"} for part in parts)


def _component(spec: Spec | list[Spec], place: Place) -> Component:
    values = field_values(spec, place)
    if not values:
        return ""
    value = values[0]
    if not isinstance(spec, list) and "part" in spec:
        part = value[spec["part"] - 1 :][:1]
        return part[0] if part else ""
    parts = tuple(one if isinstance(one, str) else one[0] for one in value)
    return parts[0] if len(parts) == 1 else parts


def _text(spec: Spec, place: Place, node: Node) -> str:
    if node.value is None or isinstance(node.value, dict):
        return ""
    if "codes" not in spec:
        return PRIMITIVES[spec.get("type", "ST")](node.value)
    code = place.tables.code(spec["codes"], str(node.value))
    return code if code is not None else str(node.value) if spec.get("keep") else ""


def _assigner(place: Place, system: str) -> Value:
    """Who gives identifiers of a FHIR system, as HD: by the table, else by the form of its URI."""
    known = place.tables.assigners.get(system)
    if known is not None:
        return tuple(known.split("&"))
    for prefix, kind in _UNIVERSAL.items():
        if system.startswith(prefix):
            return ("", system.removeprefix(prefix), kind)
    if system.startswith(_LOCAL):
        # Made on receipt from a namespace; of a facility, when no authority was named at all.
        names = system.removeprefix(_LOCAL).split(":")
        return (unquote(names[0]),) if len(names) == 1 else ("",)
    return ("", system, "URI") if ":" in system else (system,)
