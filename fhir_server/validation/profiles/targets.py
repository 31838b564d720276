"""Finding what references lead to: contained resources and entries of the same bundle.

Source: http://hl7.org/fhir/R4/references.html, R4 2.36.4.1 (references in bundles).
"""

from __future__ import annotations

from functools import cache

from fhir_server.fhirpath import Node, Scope
from fhir_server.fhirpath.references import contained
from fhir_server.fhirpath.scope import Resolve


def target_at_hand(node: Node, scope: Scope) -> Node | None:
    """The contained resource or entry of the same bundle that a Reference names."""
    reference = node.value.get("reference") if isinstance(node.value, dict) else None
    if not isinstance(reference, str):
        return None
    if reference[:1] == "#":
        return contained(scope.top, reference[1:]) if len(reference) > 1 else None
    return scope.resolve(reference) if scope.resolve is not None else None


def entries(top: Node) -> Resolve | None:
    """Finds the entries of a bundle by full URL, or by its last two parts; None for no bundle."""
    if top.type != "Bundle":
        return None
    index = cache(lambda: _index(top))  # most bundles have no reference that anybody asks for
    return lambda reference: index().get(reference)


def _index(bundle: Node) -> dict[str, Node]:
    found: dict[str, Node] = {}
    for position, one in enumerate(bundle.value.get("entry", ())):
        url, resource = one.get("fullUrl"), one.get("resource")
        if isinstance(url, str) and resource is not None:
            place = (*(bundle.location or ()), "entry", position, "resource")
            node = Node(resource["resourceType"], resource, None, place)
            found.setdefault(url, node)
            found.setdefault("/".join(url.rsplit("/", 2)[-2:]), node)
    return found
