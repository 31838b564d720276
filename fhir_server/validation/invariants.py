"""The FHIRPath invariants of R4, evaluated in one walk over a resource.

For resources that the structure check found clean. Source: FHIR R4 2.1.0.5.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from fhir_server.definitions.elements import elements_of
from fhir_server.errors import Issue
from fhir_server.fhirpath import Node, Scope, root
from fhir_server.fhirpath.location import expression_of
from fhir_server.fhirpath.node import Location, is_primitive
from fhir_server.fhirpath.references import entry
from fhir_server.fhirpath.scope import Resolve
from fhir_server.resource import Resource
from fhir_server.validation.rules import Rule, rules_at


@dataclass(slots=True)
class _Slot:
    """What a JSON member holds: values of one type, None for a resource, with their rules."""

    type: str | None
    rules: tuple[Rule, ...]
    contained: bool = False


@dataclass(slots=True)
class _Plan:
    """The members of a type that have rules on or below them."""

    slots: dict[str, _Slot]


def check_invariants(resource: Resource, *, warnings: bool = False) -> tuple[Issue, ...]:
    """Every rule that `resource` breaks, with the FHIRPath of the element that breaks it.

    Rules of severity warning, such as that a narrative should be there (dom-6), are evaluated only
    when `warnings` says so.
    """
    walk = _Walk(resource, warnings)
    top = root(resource)
    walk.resource(top, Scope(top, resolve=_within(top)))
    return tuple(walk.issues)


def _within(top: Node) -> Resolve | None:
    return (lambda reference: entry(top, reference)) if top.type == "Bundle" else None


class _Walk:
    def __init__(self, resource: Resource, warnings: bool) -> None:
        self.issues: list[Issue] = []
        self._resource = resource
        self._warnings = warnings

    def resource(self, node: Node, scope: Scope) -> None:
        rules = _rules(node.type, node.type, self._warnings)
        self._element(node.type, rules, node.value, None, node.location or (), scope)

    def _element(
        self,
        type: str,
        rules: tuple[Rule, ...],
        value: Any,
        extra: Any,
        location: Location,
        scope: Scope,
    ) -> None:
        node = None
        for rule in rules:
            if rule.leading is None or not rule.leading.isdisjoint(value):
                node = node or Node(type, value, extra, location)
                if rule.broken(node, scope):
                    self.issues.append(self._issue(rule, location))
        if isinstance(value, dict):
            self._members(_plan(type, self._warnings), value, location, scope)
        if extra is not None:
            self._members(_plan("Element", self._warnings), extra, location, scope)

    def _members(
        self, plan: _Plan, value: dict[str, Any], location: Location, scope: Scope
    ) -> None:
        if plan.slots.keys().isdisjoint(value):
            return
        for key, content in value.items():
            slot = plan.slots.get(key)
            if slot is None:
                continue
            plain = key.removeprefix("_")
            if plain is not key and plain in value and plain in plan.slots:
                continue  # visited with its values
            extra = value.get("_" + key) if slot.type and is_primitive(slot.type) else None
            if plain is not key:
                content, extra = None, content
            self._member(slot, content, extra, (*location, plain), scope)

    def _member(
        self, slot: _Slot, content: Any, extra: Any, location: Location, scope: Scope
    ) -> None:
        if not isinstance(content, list) and not isinstance(extra, list):
            self._value(slot, content, extra, location, scope)
            return
        values, extras = content or (), extra or ()
        for position in range(max(len(values), len(extras))):
            one = values[position] if position < len(values) else None
            other = extras[position] if position < len(extras) else None
            if one is not None or other is not None:
                self._value(slot, one, other, (*location, position), scope)

    def _value(self, slot: _Slot, value: Any, extra: Any, location: Location, scope: Scope) -> None:
        if slot.type is not None:
            self._element(slot.type, slot.rules, value, extra, location, scope)
            return
        node = Node(value["resourceType"], value, None, location)
        top = scope.top if slot.contained else node
        self.resource(node, Scope(node, top=top, resolve=scope.resolve or _within(node)))

    def _issue(self, rule: Rule, location: Location) -> Issue:
        place = expression_of(self._resource, location)
        text = f"{place} breaks {rule.key}: {rule.human}"
        return Issue("invariant", text, rule.severity, (place,))


@cache
def _rules(path: str, type: str, warnings: bool) -> tuple[Rule, ...]:
    found = rules_at(path, type)
    return found if warnings else tuple(rule for rule in found if rule.severity == "error")


@cache
def _plan(type: str, warnings: bool) -> _Plan:
    slots: dict[str, _Slot] = {}
    for name, element in elements_of(type).items():
        path = f"{type}.{name}[x]" if element.choice else f"{type}.{name}"
        for one in element.types:
            held = one.removeprefix("@")
            key = name + held[0].upper() + held[1:] if element.choice else name
            slot = _slot(path, held, warnings, name)
            if is_primitive(held):
                # Its extensions are in the twin.
                slots["_" + key] = slot
            if slot.rules or not is_primitive(held):
                slots[key] = slot
    return _Plan(slots)


def _slot(path: str, type: str, warnings: bool, name: str) -> _Slot:
    if type == "Resource":
        return _Slot(None, (), contained=name == "contained")
    return _Slot(type, _rules(path, type, warnings))
