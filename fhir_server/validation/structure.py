"""Structure of a resource: elements, cardinality, choices, primitives, codes, reference targets.

Compiled once per type from the R4 definitions into a table of members. Every problem is reported,
each with its FHIRPath; no text quotes a value. Source: FHIR R4 2.6.2, 2.24, 3.1.0.11.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from fhir_server.definitions.elements import (
    Element,
    elements_of,
    primitive_types,
    resource_types,
)
from fhir_server.errors import Issue
from fhir_server.fhirpath.location import chosen
from fhir_server.resource import Resource
from fhir_server.validation.bindings import bound
from fhir_server.validation.bundles import entry_faults
from fhir_server.validation.primitives import fault
from fhir_server.validation.references import (
    Container,
    contained_faults,
    container,
    reference_fault,
)

DEPTH_LIMIT = 60
"""Levels of nesting; the deepest official example has 13."""

_ELEMENT_ID = re.compile(r"[^ \t\r\n]+")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")


@dataclass(frozen=True)
class _Member:
    """One JSON property: an element, or one type of a choice element."""

    element: Element
    type: str
    primitive: bool
    element_id: bool
    path: str


@dataclass(frozen=True)
class _Shape:
    members: dict[str, _Member]
    required: tuple[tuple[str, frozenset[str]], ...]
    choices: tuple[tuple[str, frozenset[str]], ...]


def check(resource: Resource) -> tuple[Issue, ...]:
    """Every problem of `resource`; an empty tuple when there is none."""
    type = resource.get("resourceType")
    if not isinstance(type, str) or type not in resource_types():
        return (Issue("structure", "resourceType is no FHIR R4 type.", expression=("$this",)),)
    found = _Check()
    found.resource(type, resource, type, 0, None)
    return tuple(found.issues)


@cache
def _shape(type: str) -> _Shape:
    members: dict[str, _Member] = {}
    required, choices = [], []
    for name, element in elements_of(type).items():
        keys = set()
        for one in element.types:
            held = one.removeprefix("@")
            member = name + held[0].upper() + held[1:] if element.choice else name
            keys |= {member, f"_{member}"}
            primitive = held in primitive_types()
            own_id = name == "id" and type not in resource_types()
            path = chosen(name, held) if element.choice else name
            members[member] = _Member(element, held, primitive, own_id, path)
        if element.required:
            required.append((name, frozenset(keys)))
        if element.choice:
            choices.append((name, frozenset(keys)))
    return _Shape(members, tuple(required), tuple(choices))


def _aligned(values: list[Any], extras: list[Any]) -> bool:
    """Whether each extra stands at its value. What fills up beyond the last one does no harm."""
    return len(extras) >= len(values) and not any(extras[len(values) :])


class _Check:
    """One walk over a resource. `_inside` is what `#id` means where the walk is."""

    def __init__(self) -> None:
        self.issues: list[Issue] = []
        self._inside = Container("", {})

    def resource(
        self, type: str, value: Resource, path: str, depth: int, inside: Container | None
    ) -> None:
        """Check a whole resource; `inside` is the container of a contained one."""
        outer = self._inside
        self._inside = inside or container(type, value)
        self._object(type, value, path, depth)
        if type == "Bundle":
            for position, code, text in entry_faults(value.get("entry")):
                self._tell(code, text, f"{path}.entry[{position}].fullUrl")
        self._inside = outer

    def _tell(self, code: str, text: str, path: str) -> None:
        self.issues.append(Issue(code, f"{path} {text}.", expression=(path,)))

    def _object(self, type: str, value: Any, path: str, depth: int) -> None:
        if not isinstance(value, dict):
            self._tell("structure", "must be an object", path)
            return
        if not value:
            self._tell("structure", "must not be empty: leave it out instead", path)
        if depth > DEPTH_LIMIT:
            self._tell("too-costly", f"is nested over {DEPTH_LIMIT} levels", path)
            return
        shape = _shape(type)
        for name, content in value.items():
            member = shape.members.get(name)
            if member is not None:
                self._member(member, name, content, value, path, depth)
            elif name != "resourceType" or type not in resource_types():
                self._twin(shape, name, content, value, path, depth)
        self._check_presence(shape, value, path)

    def _twin(
        self, shape: _Shape, name: str, content: Any, value: Resource, path: str, depth: int
    ) -> None:
        """A member that is no element: the extensions of a primitive, or a mistake."""
        member = shape.members.get(name[1:]) if name[:1] == "_" else None
        if member is not None and member.primitive:
            self._member(member, name, content, value, path, depth)
        elif member is not None:
            self._tell("structure", "is no primitive, so it has no twin", f"{path}.{name[1:]}")
        elif _NAME.fullmatch(name):
            self._tell("structure", "is no element of this type", f"{path}.{name}")
        else:
            # Only what may be a name is repeated: any other property name may hold anything.
            self._tell("structure", "has a property whose name cannot be an element's", path)

    def _check_presence(self, shape: _Shape, value: Resource, path: str) -> None:
        for name, keys in shape.required:
            if keys.isdisjoint(value):
                self._tell("required", "is missing", f"{path}.{name}")
        for name, keys in shape.choices:
            if len({key.removeprefix("_") for key in keys.intersection(value)}) > 1:
                self._tell("structure", "may have one type only", f"{path}.{name}")

    def _member(
        self, member: _Member, name: str, content: Any, parent: Resource, path: str, depth: int
    ) -> None:
        where = f"{path}.{member.path}"
        if not member.element.many:
            if isinstance(content, list):
                self._tell("structure", "takes one value, not a list", where)
            elif name[0] == "_":
                self._extra(content, parent.get(name[1:]), where, depth)
            else:
                self._value(member, content, where, depth)
        elif not isinstance(content, list):
            self._tell("structure", "takes a list", where)
        else:
            if not content:
                self._tell("structure", "must not be an empty list", where)
            self._list(member, name, content, parent, where, depth)

    def _list(
        self,
        member: _Member,
        name: str,
        content: list[Any],
        parent: Resource,
        where: str,
        depth: int,
    ) -> None:
        other = parent.get(name[1:] if name[0] == "_" else f"_{name}") if member.primitive else None
        others = other if isinstance(other, list) else []
        if others and name[0] == "_" and not _aligned(others, content):
            self._tell("structure", "and its extensions differ in length", where)
        for position, one in enumerate(content):
            at = f"{where}[{position}]"
            twin = others[position] if position < len(others) else None
            if one is None:
                # A pair of nulls is told once, by the list of values.
                told = name[0] == "_" and bool(others)
                if not member.primitive or (twin is None and not told):
                    self._tell("structure", "must not be null", at)
            elif name[0] == "_":
                self._extra(one, twin, at, depth)
            else:
                self._value(member, one, at, depth)
        if member.element.name == "contained":
            self._check_ids(content, where)

    def _extra(self, content: Any, value: Any, where: str, depth: int) -> None:
        """The id and extensions of a primitive; ele-1: without a value, an extension."""
        self._object("Element", content, where, depth + 1)
        if value is None and isinstance(content, dict) and content.keys() == {"id"}:
            self._tell("invariant", "has neither a value nor an extension", where)

    def _check_ids(self, contained: list[Any], where: str) -> None:
        seen: set[str] = set()
        for position, one in enumerate(contained):
            id = one.get("id") if isinstance(one, dict) else ""
            if id is None:
                self._tell("required", "is missing", f"{where}[{position}].id")
            elif isinstance(id, str) and id in seen:
                self._tell(
                    "duplicate", "is the id of another one as well", f"{where}[{position}].id"
                )
            elif isinstance(id, str):
                seen.add(id)

    def _value(self, member: _Member, content: Any, where: str, depth: int) -> None:
        if member.primitive:
            self._primitive(member, content, where)
        elif member.type == "Resource":
            self._nested(member.element, content, where, depth)
        else:
            self._object(member.type, content, where, depth + 1)
            if not isinstance(content, dict):
                return
            if member.type == "Reference":
                wrong = reference_fault(content, member.element, self._inside)
                if wrong is not None:
                    self._tell(*wrong, where)
            elif member.element.codings and not bound(member.type, content, member.element.codings):
                self._tell("code-invalid", "has no code of its value set", where)

    def _primitive(self, member: _Member, content: Any, where: str) -> None:
        wrong = fault(member.type, content)
        if wrong is not None:
            self._tell("value", wrong, where)
        elif member.type == "code" and content not in (member.element.codes or {content}):
            self._tell("code-invalid", "is not a code of its value set", where)
        elif member.element_id and not _ELEMENT_ID.fullmatch(content):
            self._tell("value", "must have no white space", where)
        elif member.type == "canonical" and content[0] == "#" and self._unheld(content):
            self._tell("value", "refers to no contained resource", where)

    def _unheld(self, reference: str) -> bool:
        return reference != "#" and reference[1:] not in self._inside.contained

    def _nested(self, element: Element, content: Any, where: str, depth: int) -> None:
        type = content.get("resourceType") if isinstance(content, dict) else None
        if not isinstance(type, str) or type not in resource_types():
            self._tell("structure", "must be a resource with a known resourceType", where)
            return
        contained = element.name == "contained"
        self.resource(type, content, where, depth + 1, self._inside if contained else None)
        if contained:
            for text in contained_faults(content):
                self._tell("invariant", text, where)
