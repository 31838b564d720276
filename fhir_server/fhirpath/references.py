"""`resolve()`: contained resources, entries of the same bundle, then whoever asks.

Source: http://hl7.org/fhir/R4/fhirpath.html#functions, R4 2.36.4.1 (references in bundles).
"""

from __future__ import annotations

from typing import Any

from fhir_server.fhirpath.node import Node, children
from fhir_server.fhirpath.scope import Scope


def resolved(node: Node, scope: Scope) -> Node | None:
    """The resource that a Reference, uri or string names, None when it is not to be had."""
    value = node.value.get("reference") if isinstance(node.value, dict) else node.value
    if not isinstance(value, str):
        return None
    if value.startswith("#"):
        return contained(scope.top, value[1:])
    found = entry(scope.top, value) if scope.top.type == "Bundle" else None
    return found or (scope.resolve(value) if scope.resolve else None)


def contained(top: Node, id: str) -> Node | None:
    """The contained resource of that id; the container itself when the id is empty."""
    if not id:
        return top
    return next((one for one in _resources(top, "contained") if one.value.get("id") == id), None)


def entry(bundle: Node, reference: str) -> Node | None:
    """The resource of the bundle's entry whose full URL is, or ends in, the reference."""
    held: list[Any] = bundle.value.get("entry") or []
    for position, one in enumerate(held):
        url, resource = one.get("fullUrl"), one.get("resource")
        if not isinstance(resource, dict) or not isinstance(url, str):
            continue
        if url == reference or url.endswith("/" + reference):
            return Node(
                str(resource.get("resourceType")),
                resource,
                None,
                None
                if bundle.location is None
                else (*bundle.location, "entry", position, "resource"),
            )
    return None


def _resources(node: Node, name: str) -> list[Node]:
    return [
        child
        for child in children(Node(node.type, {name: node.value.get(name)}, None, node.location))
        if isinstance(child.value, dict)
    ]
