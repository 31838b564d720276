"""Paths of a FHIRPath Patch to places in a resource's JSON. http://hl7.org/fhir/R4/fhirpatch.html"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fhir_server.definitions.elements import Element, elements_of
from fhir_server.errors import InvalidResource
from fhir_server.fhirpath import Node, compile_expression, root
from fhir_server.fhirpath.node import members
from fhir_server.fhirpath.syntax import Call, Expr, Index, Member, Path
from fhir_server.resource import Resource

_NARROWING = frozenset({"first", "last", "single", "where", "tail", "skip", "take"})
"""Functions that give elements of the type that they were given."""


@dataclass(frozen=True)
class Place:
    """One element: where it stands (`holder[key]`, or in the list there), and its type.

    `owner` is the type that has the element, `name` the element's name there. The resource itself
    has no holder.
    """

    holder: dict[str, Any] | None
    key: str
    position: int | None
    type: str
    owner: str
    name: str
    value: Any


def places(path: str, resource: Resource) -> list[Place]:
    """Every element that `path` selects.

    Raises `InvalidExpression`, and `InvalidResource` for a path that leads to no element of the
    resource: one to a name that its type does not have, or to a computed value.
    """
    type = resource["resourceType"]
    expression = compile_expression(path)
    if _first(expression.tree) not in (type, "Resource", "DomainResource"):
        raise InvalidResource(f"The path of an operation begins with {type}.")
    _static_types(expression.tree, type)
    return [_place(node, resource) for node in expression(root(resource))]


def element_of(type: str, name: str) -> Element:
    """The element `name` of a type. Raises `InvalidResource` when there is none."""
    element = elements_of(type.removeprefix("@")).get(name)
    if element is None:
        raise InvalidResource(f"{type.removeprefix('@')} has no element {name[:64]}.")
    return element


def owner_path(path: str) -> tuple[str, str]:
    """The path without its last name, and that name. Raises `InvalidResource` without one."""
    tree = compile_expression(path).tree
    if not isinstance(tree, Path) or not isinstance(tree.step, Member):
        raise InvalidResource("insert and move take a path that ends with the name of a list.")
    return path.rpartition(".")[0], tree.step.name


def _first(tree: Expr) -> str | None:
    while isinstance(tree, Path | Index):
        tree = tree.left
    return tree.name if isinstance(tree, Member) else None


def _static_types(tree: Expr, type: str) -> list[str] | None:
    """The types that a path can lead to, None when that cannot be told beforehand."""
    match tree:
        case Member():
            return [type]
        case Index(left, _):
            return _static_types(left, type)
        case Path(left, Call(name, _, _)):
            types = _static_types(left, type)
            return types if name in _NARROWING else None
        case Path(left, Member(name)):
            types = _static_types(left, type)
            below = [one for held in types or () for _, one in members(held, name)]
            if types and not below and "Resource" not in types:
                raise InvalidResource(f"{types[0]} has no element {name[:64]}.")
            return below or None
    return None


def _place(node: Node, resource: Resource) -> Place:
    if node.location is None:
        raise InvalidResource("A path of this patch selects a computed value, not an element.")
    if not node.location:
        return Place(None, "", None, node.type, "", "", resource)
    steps = list(node.location)
    position = steps.pop() if isinstance(steps[-1], int) else None
    key = str(steps.pop())
    holder, owner = resource, resource["resourceType"]
    here: Any = resource
    for step in steps:
        here = here[step]
        if isinstance(step, str):
            owner = _named(owner, step)[1]
        if isinstance(here, dict):
            holder = here
            owner = here["resourceType"] if owner == "Resource" else owner
    name = _named(owner, key)[0]
    return Place(holder, key, _index(position), node.type, owner, name, node.value)


def _index(position: str | int | None) -> int | None:
    return position if isinstance(position, int) else None


def _named(owner: str, key: str) -> tuple[str, str]:
    """The element and the type that a JSON member of `owner` holds."""
    for name in elements_of(owner):
        for member, type in members(owner, name):
            if member == key:
                return name, type
    raise InvalidResource("A path of this patch goes through an extension of a primitive.")
