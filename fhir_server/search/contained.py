"""Contained resources, for chains that go into them. FHIR R4 3.1.1.5.5.

Nothing finds a contained resource by itself, but a chain is evaluated inside: a MedicationRequest
that contains its Medication is found by `medication.ingredient-code`. What is referred to inside is
indexed with its container, as `{p, type, k, r, c, w}`: the parameters that refer to it, and its own
entry.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from fhir_server.resource import Resource

Make = Callable[[Resource], dict[str, Any]]
"""Makes the fields of the index entry of a resource."""

_FIELDS = ("k", "r", "c", "w")


def with_typed_references(resource: Resource) -> Resource:
    """The resource with the type put to references `#id`: what `resolve() is Type` asks for."""
    types = {one.get("id"): one["resourceType"] for one in resource.get("contained", ())}
    if not types:
        return resource
    outside = {name: value for name, value in resource.items() if name != "contained"}
    return {**_typed(outside, types), "contained": resource["contained"]}


def _typed(value: Any, types: dict[str, str]) -> Any:
    if isinstance(value, list):
        return [_typed(one, types) for one in value]
    if not isinstance(value, dict):
        return value
    made = {name: _typed(one, types) for name, one in value.items()}
    reference = made.get("reference")
    if isinstance(reference, str) and reference[:1] == "#" and reference[1:] in types:
        made["type"] = types[reference[1:]]
    return made


def inner_entries(
    resource: Resource, referred: Iterable[tuple[str, str]], make: Make
) -> list[dict[str, Any]]:
    """The stored form of what the pairs of parameter code and `#id` refer to."""
    codes: dict[str, list[str]] = {}
    for code, reference in referred:
        codes.setdefault(reference[1:], []).append(code)
    made = []
    for inner in resource.get("contained", ()):
        if inner.get("id") in codes:
            fields = {name: value for name, value in make(inner).items() if name in _FIELDS}
            made.append({"p": codes[inner["id"]], "type": inner["resourceType"], **fields})
    return made


def inner_filter(code: str, type: str, condition: dict[str, Any]) -> dict[str, Any]:
    """Refers by `code` to a contained resource of `type` that meets the condition."""
    # A field first: SecantusDB takes operators alone for a condition on the element itself.
    return {"in": {"$elemMatch": {"p": code, "type": type, "$and": [condition]}}}
