"""What scopes, roles, labels and directives say of a resource by itself, as one criterion."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from fhir_server.auth.access import limits
from fhir_server.auth.directives import Refusal
from fhir_server.definitions.elements import resource_types
from fhir_server.errors import NotPermitted
from fhir_server.resource import Resource
from fhir_server.search.conditions import Scope
from fhir_server.search.criteria import And, Criterion, Not
from fhir_server.search.document_filter import meets
from fhir_server.search.extraction import Indexer
from fhir_server.search.mongo_filter import tree
from fhir_server.store import StoredResource

if TYPE_CHECKING:  # a context judges what its transactions refer to
    from fhir_server.interactions.context import Context

_LABELLED = b'"security"'


def own_criterion(context: Context, type: str, letter: str) -> Criterion | None:
    """What a resource of `type` has to meet; None for nothing. Raises `NotPermitted`."""
    own = limits(context.caller, type, letter)
    refusal = refusal_of(context, type, letter)
    allowed = Not(refusal.criterion) if refusal is not None else None
    parts = tuple(one for one in (own.criterion, own.hidden, allowed) if one is not None)
    return And(parts) if len(parts) > 1 else (parts[0] if parts else None)


def lies_within(context: Context, stored: StoredResource, letter: str) -> bool:
    """Whether a stored resource that is not deleted meets it. Raises `NotPermitted`."""
    own = limits(context.caller, stored.type, letter)
    refusal = refusal_of(context, stored.type, letter)
    if (
        own.criterion is None
        and (own.hidden is None or _LABELLED not in stored.raw)
        and (refusal is None or not refusal.may_hit(stored.reference, stored.raw))
    ):
        return True
    return fulfils(context, stored.resource(), own_criterion(context, stored.type, letter))


def is_bound(context: Context, type: str, letter: str) -> bool:
    """Whether some resources of `type`, labelled ones aside, are kept from the caller."""
    own = limits(context.caller, type, letter)
    return own.criterion is not None or refusal_of(context, type, letter) is not None


def is_unrestricted(context: Context, letter: str) -> bool:
    """Whether scopes, roles and labels keep nothing but AuditEvents from the caller."""
    return all(_is_given(context, type, letter) for type in _types())


def binds_anywhere(context: Context, letter: str) -> bool:
    """Whether some resources, labelled ones and AuditEvents aside, are kept from the caller."""
    return any(_binds(context, type, letter) for type in _types())


def refuses_anywhere(context: Context, letter: str) -> bool:
    """Whether a directive keeps anything from the caller now."""
    return any(refusal_of(context, type, letter) is not None for type in _types())


def refusal_of(context: Context, type: str, letter: str) -> Refusal | None:
    """What directives keep of `type` from the caller now."""
    now = context.server.store.now()
    return context.directives.refusal(context.caller, type, letter, context.base, now)


def fulfils(context: Context, resource: Resource, wanted: Criterion | None) -> bool:
    """Whether a resource, stored or not, meets a criterion."""
    if wanted is None:
        return True
    store, type = context.server.store, resource["resourceType"]
    now = store.now()
    entry = Indexer(store.registry).index(resource, now).fields()
    document = {"_id": f"{type}/{resource['id']}", "id": resource["id"], "type": type, **entry}
    document |= {"deleted": False, "lu": now}
    return meets(document, tree(wanted, Scope((type,), context.base, now)))


def _is_given(context: Context, type: str, letter: str) -> bool:
    try:
        own = limits(context.caller, type, letter)
    except NotPermitted:
        return False
    return own.criterion is None and own.hidden is None


def _binds(context: Context, type: str, letter: str) -> bool:
    try:
        return is_bound(context, type, letter)
    except NotPermitted:
        return True


@lru_cache(maxsize=1)
def _types() -> tuple[str, ...]:
    return tuple(sorted(resource_types() - {"AuditEvent"}))
