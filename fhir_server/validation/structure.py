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
from fhir_server.resource import Resource
from fhir_server.validation.primitives import fault

DEPTH_LIMIT = 60
"""Levels of nesting; the deepest official example has 13."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")


@dataclass(frozen=True)
class _Member:
    """One JSON property: an element, or one type of a choice element."""

    element: Element
    type: str
    primitive: bool


@dataclass(frozen=True)
class _Shape:
    members: dict[str, _Member]
    required: tuple[tuple[str, tuple[str, ...]], ...]
    choices: tuple[tuple[str, tuple[str, ...]], ...]


def check(resource: Resource) -> tuple[Issue, ...]:
    """Every problem of `resource`; an empty tuple when there is none."""
    issues: list[Issue] = []
    type = resource.get("resourceType")
    if not isinstance(type, str) or type not in resource_types():
        return (Issue("structure", "resourceType is no FHIR R4 type.", expression=("$this",)),)
    _object(type, resource, type, issues, 0)
    return tuple(issues)


@cache
def _shape(type: str) -> _Shape:
    members: dict[str, _Member] = {}
    required, choices = [], []
    for name, element in elements_of(type).items():
        names = []
        for one in element.types:
            member = name + one[0].upper() + one[1:] if element.choice else name
            names.append(member)
            members[member] = _Member(element, one, one in primitive_types())
        if element.required:
            required.append((name, tuple(names)))
        if element.choice:
            choices.append((name, tuple(names)))
    return _Shape(members, tuple(required), tuple(choices))


def _object(type: str, value: Any, path: str, issues: list[Issue], depth: int) -> None:
    if not isinstance(value, dict):
        issues.append(_issue("structure", "must be an object", path))
        return
    if not value:
        issues.append(_issue("structure", "must not be empty: leave it out instead", path))
    if depth > DEPTH_LIMIT:
        issues.append(_issue("too-costly", f"is nested over {DEPTH_LIMIT} levels", path))
        return
    shape = _shape(type)
    for name, content in value.items():
        if name == "resourceType" and type in resource_types():
            continue
        member = shape.members.get(name.removeprefix("_"))
        if member is None or (name[0:1] == "_" and not member.primitive):
            issues.append(_unknown(name, path))
        else:
            _member(member, name, content, value, path, issues, depth)
    _check_presence(shape, value, path, issues)


def _unknown(name: str, path: str) -> Issue:
    # Only what may be a name is repeated: any other property name may hold anything.
    if _NAME.fullmatch(name):
        return _issue("structure", "is no element of this type", f"{path}.{name}")
    return _issue("structure", "has a property whose name cannot be an element's", path)


def _check_presence(shape: _Shape, value: Resource, path: str, issues: list[Issue]) -> None:
    for name, names in shape.required:
        if not any(one in value or f"_{one}" in value for one in names):
            issues.append(_issue("required", "is missing", f"{path}.{name}"))
    for name, names in shape.choices:
        if sum(1 for one in names if one in value or f"_{one}" in value) > 1:
            issues.append(_issue("structure", "may have one type only", f"{path}.{name}"))


def _member(
    member: _Member,
    name: str,
    content: Any,
    parent: Resource,
    path: str,
    issues: list[Issue],
    depth: int,
) -> None:
    where = f"{path}.{member.element.name}"
    if not member.element.many:
        if isinstance(content, list):
            issues.append(_issue("structure", "takes one value, not a list", where))
        elif name[0] == "_":
            _object("Element", content, where, issues, depth + 1)
        else:
            _value(member, content, where, issues, depth)
        return
    if not isinstance(content, list):
        issues.append(_issue("structure", "takes a list", where))
        return
    if not content:
        issues.append(_issue("structure", "must not be an empty list", where))
    _list(member, name, content, parent, where, issues, depth)


def _list(
    member: _Member,
    name: str,
    content: list[Any],
    parent: Resource,
    where: str,
    issues: list[Issue],
    depth: int,
) -> None:
    plain = name.removeprefix("_")
    other = parent.get(plain if name[0] == "_" else f"_{plain}")
    if isinstance(other, list) and len(other) != len(content) and name[0] == "_":
        issues.append(_issue("structure", "and its extensions differ in length", where))
    for position, one in enumerate(content):
        at = f"{where}[{position}]"
        if one is None:
            twin = other[position] if isinstance(other, list) and position < len(other) else None
            # A pair of nulls is told once, by the list of values.
            told = name[0] == "_" and isinstance(other, list) and position < len(other)
            if not member.primitive or (twin is None and not told):
                issues.append(_issue("structure", "must not be null", at))
        elif name[0] == "_":
            _object("Element", one, at, issues, depth + 1)
        else:
            _value(member, one, at, issues, depth)


def _value(member: _Member, content: Any, where: str, issues: list[Issue], depth: int) -> None:
    if member.primitive:
        wrong = fault(member.type, content)
        if wrong is not None:
            issues.append(_issue("value", wrong, where))
        elif member.type == "code" and content not in (member.element.codes or {content}):
            issues.append(_issue("code-invalid", "is not a code of its value set", where))
        return
    if member.type in ("Resource", "@Resource"):
        _nested(content, where, issues, depth)
        if member.element.name == "contained" and isinstance(content, dict):
            issues.extend(_contained(content, where))
        return
    _object(member.type.removeprefix("@"), content, where, issues, depth + 1)
    if member.type == "Reference":
        _target(member.element, content, where, issues)
    elif member.element.codings and not _bound(member, content):
        issues.append(_issue("code-invalid", "has no code of its value set", where))


def _bound(member: _Member, content: Any) -> bool:
    """Whether a Coding or CodeableConcept meets its required binding: one coding must."""
    if member.type == "Coding":
        codings = [content]
    elif member.type == "CodeableConcept" and isinstance(content, dict):
        codings = content.get("coding", [])
        if not codings and "extension" in content:  # a data-absent-reason, say
            return True
    else:
        return True
    if not isinstance(codings, list) or not all(isinstance(one, dict) for one in codings):
        return True  # told already
    allowed = member.element.codings or frozenset()
    pairs = ((one.get("system"), one.get("code")) for one in codings)
    return any(
        isinstance(system, str) and isinstance(code, str) and (system, code) in allowed
        for system, code in pairs
    )


def _contained(content: Resource, where: str) -> list[Issue]:
    """The invariants dom-2, dom-4 and dom-5 of DomainResource."""
    meta = content.get("meta")
    found = []
    if "contained" in content:
        found.append(_issue("invariant", "must not contain resources (dom-2)", where))
    if isinstance(meta, dict) and ("versionId" in meta or "lastUpdated" in meta):
        found.append(_issue("invariant", "must not have a version or lastUpdated (dom-4)", where))
    if isinstance(meta, dict) and "security" in meta:
        found.append(_issue("invariant", "must not have a security label (dom-5)", where))
    return found


def _nested(content: Any, where: str, issues: list[Issue], depth: int) -> None:
    type = content.get("resourceType") if isinstance(content, dict) else None
    if not isinstance(type, str) or type not in resource_types():
        issues.append(_issue("structure", "must be a resource with a known resourceType", where))
        return
    _object(type, content, where, issues, depth + 1)


def _target(element: Element, content: Any, where: str, issues: list[Issue]) -> None:
    reference = content.get("reference") if isinstance(content, dict) else None
    if not element.targets or not isinstance(reference, str):
        return
    parts = reference.split("/")
    # Only a literal local reference, `Patient/p1` or `Patient/p1/_history/2`, shows its type.
    if len(parts) in (2, 4) and parts[0] in resource_types() and parts[0] not in element.targets:
        allowed = ", ".join(sorted(element.targets))
        issues.append(_issue("structure", f"must refer to one of: {allowed}", where))


def _issue(code: str, text: str, path: str) -> Issue:
    return Issue(code, f"{path} {text}.", expression=(path,))
