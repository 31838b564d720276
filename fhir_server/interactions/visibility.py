"""Which resources exist for a caller. What does not is not found, counted, included or sorted by.

SMART App Launch 2.2, scopes and launch context: a scope limits every interaction, not search alone.
"""

from __future__ import annotations

from collections.abc import Iterable

from fhir_server.auth.access import Limits, limits
from fhir_server.errors import NotPermitted, ResourceNotFound
from fhir_server.interactions.context import Context
from fhir_server.resource import Resource
from fhir_server.search.conditions import Scope
from fhir_server.search.criteria import And, Criterion, OfType, Or
from fhir_server.search.document_filter import meets
from fhir_server.search.extraction import Indexer
from fhir_server.search.mongo_filter import tree
from fhir_server.store import StoredResource

_LABELLED = b'"security"'


def visible(context: Context, types: Iterable[str], letter: str) -> tuple[Criterion, ...]:
    """What a search on the types is narrowed by; nothing for who may see all of them."""
    own = {type: _criterion(limits(context.caller, type, letter)) for type in types}
    if all(one is None for one in own.values()):
        return ()
    if len(own) == 1:
        return tuple(one for one in own.values() if one is not None)
    parts = (OfType(type) if one is None else And((OfType(type), one)) for type, one in own.items())
    return (Or(tuple(parts)),)


def is_limited(context: Context, type: str, letter: str) -> bool:
    """Whether some resources of `type` may be out of the caller's reach."""
    return limits(context.caller, type, letter).criterion is not None


def require(context: Context, stored: StoredResource, letter: str) -> None:
    """Raise `ResourceNotFound` for what the caller's limits leave out."""
    if not sees(context, stored, letter):
        raise ResourceNotFound(f"{stored.reference} does not exist.")


def sees(context: Context, stored: StoredResource, letter: str) -> bool:
    """Whether a stored resource is within the caller's limits; a deleted one if any would be."""
    own = limits(context.caller, stored.type, letter)
    if stored.deleted:
        return own.criterion is None
    if own.criterion is None and (own.hidden is None or _LABELLED not in stored.raw):
        return True
    return _meets(context, stored.resource(), own)


def require_content(context: Context, resource: Resource, letter: str) -> None:
    """Raise `NotPermitted` when the caller would write what is outside the own limits."""
    own = limits(context.caller, resource["resourceType"], letter)
    if own.criterion is not None and not _meets(context, {"id": "new", **resource}, own):
        raise NotPermitted("Your token's scopes do not cover a resource with this content.")


def _criterion(own: Limits) -> Criterion | None:
    parts = tuple(one for one in (own.criterion, own.hidden) if one is not None)
    return And(parts) if len(parts) > 1 else (parts[0] if parts else None)


def _meets(context: Context, resource: Resource, own: Limits) -> bool:
    wanted = _criterion(own)
    if wanted is None:
        return True
    store, type = context.server.store, resource["resourceType"]
    now = store.now()
    entry = Indexer(store.registry).index(resource, now).fields()
    document = {"_id": f"{type}/{resource['id']}", "id": resource["id"], "type": type, **entry}
    document |= {"deleted": False, "lu": now}
    return meets(document, tree(wanted, Scope((type,), context.base, now)))
