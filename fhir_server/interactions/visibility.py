"""Which resources exist for a caller. What does not is not found, counted, included or sorted by.

Scopes, roles, labels and the directives of patients are one criterion here: it narrows a search in
the database, and judges a resource that is read by its id. SMART App Launch 2.2, scopes and launch
context: a scope limits every interaction, not search alone. Decision 0011. A Binary has to pass
what guards it, too (`guarding`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from fhir_server.auth.access import limits
from fhir_server.errors import NotPermitted, ResourceNotFound
from fhir_server.interactions.guarding import is_let_in, let_in, may_be_kept_out
from fhir_server.interactions.own_limits import (
    fulfils,
    is_bound,
    lies_within,
    own_criterion,
    refusal_of,
)
from fhir_server.resource import Resource, dumps
from fhir_server.search.criteria import And, Criterion, Not, OfType, Or
from fhir_server.search.guards import GUARDED
from fhir_server.store import StoredResource

if TYPE_CHECKING:  # a context judges what its transactions refer to
    from fhir_server.interactions.context import Context


async def visible(
    context: Context, types: Iterable[str], letter: str, among: Sequence[Criterion] = ()
) -> tuple[Criterion, ...]:
    """What a search on the types is narrowed by; nothing for who may see all of them.

    `among` are the search's own criteria, resolved, where there are some.
    """
    own = {type: await _criterion(context, type, letter, among) for type in types}
    if all(one is None for one in own.values()):
        return ()
    if len(own) == 1:
        return tuple(one for one in own.values() if one is not None)
    parts = (OfType(type) if one is None else And((OfType(type), one)) for type, one in own.items())
    return (Or(tuple(parts)),)


def is_limited(context: Context, type: str, letter: str) -> bool:
    """Whether some resources of `type`, labelled ones aside, may be out of the caller's reach."""
    bound = is_bound(context, type, letter)
    return bound or (type == GUARDED and may_be_kept_out(context, letter))


def has_criterion(context: Context, type: str, letter: str) -> bool:
    """Whether scopes and roles give some resources of `type` and not others."""
    return limits(context.caller, type, letter).criterion is not None


async def require(context: Context, stored: StoredResource, letter: str) -> None:
    """Raise `ResourceNotFound` for what the caller's limits leave out."""
    if not await sees(context, stored, letter):
        raise ResourceNotFound(f"{stored.reference} does not exist.")


async def sees(context: Context, stored: StoredResource, letter: str) -> bool:
    """Whether a stored resource is within the caller's limits; a deleted one if any would be."""
    if stored.deleted:
        return not is_limited(context, stored.type, letter)
    if not lies_within(context, stored, letter):
        return False
    return stored.type != GUARDED or await is_let_in(context, stored.resource(), letter)


async def knows(context: Context, stored: StoredResource) -> bool:
    """Whether the caller may read a stored resource, and so knows that it is there."""
    try:
        return await sees(context, stored, "r")
    except NotPermitted:
        return False


async def may_refer(context: Context, stored: StoredResource) -> bool:
    """Whether a new reference to a stored resource leads somewhere for the caller.

    Who may not read the type at all refers to it by what others say.
    """
    try:
        return await sees(context, stored, "r")
    except NotPermitted:
        return True


async def require_content(context: Context, resource: Resource, letter: str) -> None:
    """Raise `NotPermitted` when the caller would write what is outside the own limits."""
    type, made = resource["resourceType"], {"id": "new", **resource}
    if not fulfils(context, made, limits(context.caller, type, letter).criterion):
        raise NotPermitted("Your token's scopes do not cover a resource with this content.")
    if type == GUARDED and not await is_let_in(context, made, letter):
        raise NotPermitted("Its securityContext is out of your reach, if it is there.")
    refusal = refusal_of(context, type, letter)
    if refusal is None or not refusal.may_hit(f"{type}/{made['id']}", dumps(made)):
        return
    if not fulfils(context, made, Not(refusal.criterion)):
        raise NotPermitted("A directive of the patient does not let you write this.")


async def _criterion(
    context: Context, type: str, letter: str, among: Sequence[Criterion]
) -> Criterion | None:
    own = own_criterion(context, type, letter)
    if type != GUARDED:
        return own
    guarded = await let_in(context, letter, (*among, own) if own is not None else among)
    parts = tuple(one for one in (own, guarded) if one is not None)
    return And(parts) if len(parts) > 1 else (parts[0] if parts else None)
