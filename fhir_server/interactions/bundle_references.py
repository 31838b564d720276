"""References among the entries of a transaction, and conditional ones. FHIR R4 3.1.0.11.2."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fhir_server.definitions.elements import resource_types
from fhir_server.errors import InvalidResource
from fhir_server.interactions.bundle_entries import BundleEntry

_LINK = re.compile(r"urn:(uuid|oid):[0-9A-Za-z.\-]+")


def references(entries: Sequence[BundleEntry], made: Mapping[int, str]) -> dict[str, str]:
    """What each fullUrl becomes. A relative reference means the fullUrl that ends like it.

    `made` has the references of what is created. Raises `InvalidResource` when two entries have
    one fullUrl.
    """
    found: dict[str, str] = {}
    for entry in entries:
        if not entry.full_url or entry.request.type is None:
            continue
        reference = entry.match or (made[entry.position] if entry.creates else entry.reference)
        if found.setdefault(entry.full_url, reference) != reference:
            raise InvalidResource(
                "Two entries have the same fullUrl.",
                expression=(f"Bundle.entry[{entry.position}].fullUrl",),
            )
        tail = "/".join(entry.full_url.rsplit("/", 2)[-2:])
        if entry.creates and entry.full_url.startswith("http") and tail.count("/") == 1:
            found[tail] = reference
    return found


def conditional_in(value: Any) -> Iterator[str]:
    """Every conditional reference, `Patient?identifier=...`, in a resource."""
    if isinstance(value, list):
        for member in value:
            yield from conditional_in(member)
    elif isinstance(value, dict):
        reference = value.get("reference")
        if isinstance(reference, str) and _is_conditional(reference):
            yield reference
        for member in value.values():
            if isinstance(member, dict | list):
                yield from conditional_in(member)


def _is_conditional(reference: str) -> bool:
    type, mark, _ = reference.partition("?")
    return bool(mark) and type in resource_types()


def rewritten(value: Any, references: Mapping[str, str]) -> Any:
    """A copy in which each known reference, also as a link of the narrative, is replaced."""
    if isinstance(value, dict):
        return {name: rewritten(member, references) for name, member in value.items()}
    if isinstance(value, list):
        return [rewritten(member, references) for member in value]
    if isinstance(value, str):
        if value in references:
            return references[value]
        if "<" in value and "urn:" in value:
            return _LINK.sub(lambda link: references.get(link[0], link[0]), value)
    return value
