"""References: their form, their target's type, and `#id` of contained resources.

Source: http://hl7.org/fhir/R4/references.html (2.3.0.1 literal references, 2.3.0.6 contained).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fhir_server.definitions.elements import Element, resource_types
from fhir_server.resource import Resource

_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:\S+")
_TAIL = re.compile(
    r"(?:^|.*/)(?P<type>[A-Za-z]{3,64})/(?P<id>[A-Za-z0-9.\-]{1,64})"
    r"(?:/_history/[A-Za-z0-9.\-]{1,64})?(?:#\S*)?",
    re.ASCII | re.DOTALL,
)
_CONDITIONAL = re.compile(r"(?P<type>[A-Za-z]{3,64})\?\S+")


@dataclass(frozen=True)
class Container:
    """The resource that holds the contained ones: its type, and theirs by id."""

    type: str
    contained: Mapping[str, str]


def container(type: str, resource: Resource) -> Container:
    """What `#id` means inside `resource`."""
    held = resource.get("contained")
    if not isinstance(held, list):
        return Container(type, {})
    ids = {
        one["id"]: one["resourceType"]
        for one in held
        if isinstance(one, dict)
        and isinstance(one.get("id"), str)
        and isinstance(one.get("resourceType"), str)
    }
    return Container(type, ids)


def reference_fault(
    value: dict[str, Any], element: Element, inside: Container
) -> tuple[str, str] | None:
    """The issue code and text of what is wrong with a Reference, None when nothing is."""
    reference, named = value.get("reference"), value.get("type")
    type: str | None = None
    if isinstance(reference, str):
        if reference[:1] == "#":
            type = inside.contained.get(reference[1:]) if reference != "#" else inside.type
            if type is None:
                return "invariant", "refers to no contained resource (ref-1)"
        else:
            type = type_of(reference)
            if type is None and not _ABSOLUTE.fullmatch(reference):
                return "value", "is no reference: Type/id, #id or an absolute URL"
    if isinstance(named, str) and named in resource_types():
        if type is not None and named != type:
            return "structure", "has a type that is not that of its reference"
        type = named
    if type is not None and element.targets and type not in element.targets:
        return "structure", f"must refer to one of: {', '.join(sorted(element.targets))}"
    return None


def type_of(reference: str) -> str | None:
    """The resource type that a literal reference or a conditional one shows."""
    match = _TAIL.fullmatch(reference) or _CONDITIONAL.fullmatch(reference)
    return match["type"] if match is not None and match["type"] in resource_types() else None


def contained_faults(content: Resource) -> list[str]:
    """The invariants dom-2, dom-4 and dom-5 of DomainResource, told of the contained resource."""
    meta = content.get("meta")
    found = []
    if "contained" in content:
        found.append("must not contain resources (dom-2)")
    if isinstance(meta, dict) and ("versionId" in meta or "lastUpdated" in meta):
        found.append("must not have a version or lastUpdated (dom-4)")
    if isinstance(meta, dict) and "security" in meta:
        found.append("must not have a security label (dom-5)")
    return found
