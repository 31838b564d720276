"""Binary.securityContext as index keys: the resource that a Binary is guarded by.

https://hl7.org/fhir/R4/binary.html#security. R4 has no search parameter for it, so the key is no
parameter's. A Binary without a context has a key as well: one that was indexed before there were
such keys counts as guarded by what cannot be told.
"""

from __future__ import annotations

import re

from fhir_server.definitions.elements import resource_types
from fhir_server.resource import Resource

GUARDED = "Binary"
CODE = "@guard"
"""Begins as no parameter's code does."""

UNTOLD = "#"
"""A context without a literal reference."""

_NO_GUARDS = frozenset({GUARDED, "AuditEvent"})
"""A Binary would lead on to its own guard; the record of accesses guards nothing."""
_LOCAL = re.compile(r"([A-Z][A-Za-z]{1,63})/[A-Za-z0-9\-.]{1,64}")


def guard_in(resource: Resource) -> str:
    """The reference of the context as it is written, without a version; empty when there is none.

    Which version is named does not count: access is to the resource as it is now.
    """
    context = resource.get("securityContext")
    if context is None:
        return ""
    reference = context.get("reference") if isinstance(context, dict) else None
    return str(reference or UNTOLD).partition("/_history/")[0]


def guard_key(guard: str) -> str:
    """The index key of what `guard_in` found."""
    return f"{CODE}={guard}"


def local_guard(guard: str, base: str) -> str | None:
    """`Type/id` of a guard that may be on this server; None for one that cannot be looked up."""
    literal = guard.removeprefix(f"{base}/") if base else guard
    match = _LOCAL.fullmatch(literal)
    known = match is not None and match[1] in resource_types() - _NO_GUARDS
    return literal if known else None


def guarded(resource: Resource, before: Resource | None) -> Resource:
    """The resource with the context of the version that it follows, when it names none.

    An update by the bytes alone, without X-Security-Context, would open what was guarded.
    """
    if before is None or resource["resourceType"] != GUARDED or "securityContext" in resource:
        return resource
    context = before.get("securityContext")
    return resource if context is None else {**resource, "securityContext": context}
