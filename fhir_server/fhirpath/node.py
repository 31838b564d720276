"""Nodes: values of a resource with their type and place. http://hl7.org/fhir/R4/fhirpath.html"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import cache
from typing import Any

from fhir_server.definitions.elements import elements_of, primitive_types, resource_types
from fhir_server.resource import Resource

Location = tuple[str | int, ...]
"""The members and list positions that lead from the root of the JSON to a value."""


class Node:
    """One item of a FHIRPath collection; never changed once made.

    `type` is a FHIR type name, the path of a backbone element (`Patient.contact`), or for what an
    expression computes one of boolean, string, integer, decimal, date, dateTime, time, quantity.
    `value` is the JSON value, None where only extensions are; `extra` the `_name` sibling of a
    primitive; `location` None for what is computed.
    """

    __slots__ = ("extra", "location", "type", "value")

    def __init__(
        self,
        type: str,
        value: Any,
        extra: dict[str, Any] | None = None,
        location: Location | None = None,
    ) -> None:
        self.type = type
        self.value = value
        self.extra = extra
        self.location = location

    def __repr__(self) -> str:
        return f"Node({self.type!r}, {self.value!r}, location={self.location!r})"


Nodes = list[Node]
"""A collection. Shared between evaluations, so nobody appends to one that was handed to them."""

TRUE: Nodes = [Node("boolean", True)]
FALSE: Nodes = [Node("boolean", False)]
EMPTY: Nodes = []


def root(resource: Resource) -> Node:
    """The node of a whole resource."""
    return Node(resource["resourceType"], resource, None, ())


def boolean(value: bool | None) -> Nodes:
    """One System.Boolean, nothing for None."""
    return EMPTY if value is None else TRUE if value else FALSE


def integer(value: int) -> Nodes:
    """One System.Integer."""
    return [Node("integer", value)]


def decimal(value: Decimal) -> Nodes:
    """One System.Decimal."""
    return [Node("decimal", value)]


def string(value: str) -> Nodes:
    """One System.String."""
    return [Node("string", value)]


@cache
def members(type: str, name: str) -> tuple[tuple[str, str], ...]:
    """The JSON members that hold the element `name` of a type, each with its type."""
    element = elements_of("Quantity" if type == "quantity" else type).get(name)
    if element is None:
        return ()
    types = [one.removeprefix("@") for one in element.types]
    if not element.choice:
        return ((name, types[0]),)
    return tuple((name + one[0].upper() + one[1:], one) for one in types)


@cache
def is_primitive(type: str) -> bool:
    """Whether values of the type are JSON strings, numbers or booleans."""
    return type in primitive_types()


def child_getter(name: str) -> Callable[[Node, Nodes], None]:
    """A function that appends the children `name` of a node to a collection."""
    known: dict[str, tuple[dict[str, tuple[str, str]], bool]] = {}

    def append(node: Node, found: Nodes) -> None:
        value = node.value
        if type(value) is not dict:
            value = node.extra
            if value is None:
                return
            table, choice = known.get("Element") or _learn(known, "Element", name)
        else:
            table, choice = known.get(node.type) or _learn(known, node.type, name)
        if choice and len(value) < len(table):
            for key in value:
                member = table.get(key) or table.get(key.removeprefix("_"))
                if member is not None and (key[0] != "_" or key[1:] not in value):
                    _append(node, value, *member, found)
            return
        for member in table.values():
            if member[0] in value or "_" + member[0] in value:
                _append(node, value, *member, found)

    return append


def _learn(
    known: dict[str, tuple[dict[str, tuple[str, str]], bool]], type: str, name: str
) -> tuple[dict[str, tuple[str, str]], bool]:
    table = {key: (key, one) for key, one in members(type, name)}
    known[type] = table, len(table) > 1
    return known[type]


def _append(node: Node, parent: dict[str, Any], key: str, type: str, found: Nodes) -> None:
    value, extra = parent.get(key), parent.get("_" + key)
    location = None if node.location is None else (*node.location, key)
    if isinstance(value, list) or isinstance(extra, list):
        _append_list(value, extra, type, location, found)
    elif value is not None or extra is not None:
        found.append(Node(_actual(type, value), value, extra, location))


def _append_list(
    value: Any, extra: Any, type: str, location: Location | None, found: Nodes
) -> None:
    values = value if isinstance(value, list) else []
    extras = extra if isinstance(extra, list) else []
    if not extras:
        for position, one in enumerate(values):
            if one is not None:
                at = None if location is None else (*location, position)
                found.append(Node(_actual(type, one), one, None, at))
        return
    for position in range(max(len(values), len(extras))):
        one = values[position] if position < len(values) else None
        other = extras[position] if position < len(extras) else None
        if one is not None or other is not None:
            at = None if location is None else (*location, position)
            found.append(Node(_actual(type, one), one, other, at))


def _actual(type: str, value: Any) -> str:
    """The type of a resource inside another one is in the resource."""
    if type == "Resource" and isinstance(value, dict):
        name = value.get("resourceType")
        if isinstance(name, str) and name in resource_types():
            return name
    return type


def children(node: Node) -> Nodes:
    """Every child of a node, in the order of the JSON."""
    found: Nodes = []
    plain = isinstance(node.value, dict)
    value = node.value if plain else node.extra
    if value is None:
        return found
    table, place = _table(node.type if plain else "Element"), node.location
    for key, content in value.items():
        type = table.get(key)
        if type is None:
            # The extensions of a primitive that has no value.
            type = table.get(key[1:]) if key[:1] == "_" and key[1:] not in value else None
            if type is not None:
                _append(node, value, key[1:], type, found)
        elif isinstance(content, list) or "_" + key in value:
            _append(node, value, key, type, found)
        elif content is not None:
            at = None if place is None else (*place, key)
            found.append(Node(_actual(type, content), content, None, at))
    return found


@cache
def _table(type: str) -> dict[str, str]:
    """The types of all JSON members of a type."""
    names = elements_of("Quantity" if type == "quantity" else type)
    return {key: one for name in names for key, one in members(type, name)}


def descendants(nodes: Nodes) -> Nodes:
    """All that is below the nodes, level by level."""
    found: Nodes = []
    level = nodes
    while level:
        level = [
            child
            for node in level
            if node.extra is not None or isinstance(node.value, dict)
            for child in children(node)
        ]
        found.extend(level)
    return found
