"""Access to a Binary is access to the resource that its `securityContext` names, beside its own.

https://hl7.org/fhir/R4/binary.html#security. The context is looked up when somebody asks, never
copied: its labels and the directives about it change later. What guards a Binary and is not here
any more, or never was, cannot be judged: such a Binary is for those alone from whom scopes, roles
and labels keep nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from fhir_server.errors import NotPermitted, TooCostly
from fhir_server.interactions.own_limits import (
    binds_anywhere,
    is_unrestricted,
    lies_within,
    own_criterion,
    refuses_anywhere,
)
from fhir_server.resource import Resource
from fhir_server.search.criteria import Criterion, Ids, Keys, Not
from fhir_server.search.guards import CODE, GUARDED, guard_in, guard_key, local_guard
from fhir_server.search.mongo_filter import Filter, to_stages
from fhir_server.search.query import SearchQuery
from fhir_server.store import StoredResource

if TYPE_CHECKING:  # a context judges what its transactions refer to
    from fhir_server.interactions.context import Context

_NEEDED = {"r": "r", "s": "r", "c": "r", "u": "u", "d": "u"}
"""The letter of the context that each letter of the Binary takes: its content is a part of it."""

_AT_ONCE = 50
"""References looked up in one query, as in `store.searching`."""


async def is_let_in(context: Context, binary: Resource, letter: str) -> bool:
    """Whether the context of a Binary, stored or to be written, lets the caller do `letter`."""
    guard, needed = guard_in(binary), _NEEDED[letter]
    if not guard:
        return True
    reference = local_guard(guard, context.base)
    there = await _current(context, reference) if reference is not None else None
    if there is None:
        return is_unrestricted(context, needed)
    try:
        return lies_within(context, there, needed)
    except NotPermitted:
        return False


def may_be_kept_out(context: Context, letter: str) -> bool:
    """Whether a context, a labelled one aside, may keep the caller from a Binary."""
    return binds_anywhere(context, _NEEDED[letter])


async def let_in(context: Context, letter: str, among: Sequence[Criterion]) -> Criterion | None:
    """What a search on Binary has to be narrowed by, beside what holds for the type.

    `among` are the resolved criteria of the search: only the guards of what meets them are looked
    up. Raises `TooCostly` when those are too many.
    """
    needed = _NEEDED[letter]
    trusted = is_unrestricted(context, needed)
    if trusted and not refuses_anywhere(context, needed):
        return None
    store, limit = context.server.store, context.server.settings.chain_limit
    stages = _stages(context, GUARDED, among)
    guards = await store.searching.targets(stages, CODE, limit + 1, _session(context))
    if len(guards) > limit:
        raise TooCostly(
            f"These Binaries belong to over {limit} resources, each of which may hide its own. "
            "Narrow the search, or name other types in _type."
        )
    if trusted:
        hidden = await _those(context, guards, needed, hidden=True)
        found = [one for one in guards if one not in hidden]
    else:
        seen = await _those(context, guards, needed, hidden=False)
        found = [one for one in guards if not one or one in seen]
    return Keys(tuple(guard_key(one) for one in found) or (CODE,))


async def _those(context: Context, guards: Iterable[str], letter: str, *, hidden: bool) -> set[str]:
    """Those of the guards that are here and that the caller may see, or may not."""
    forms: dict[str, list[str]] = {}
    for guard in guards:
        reference = local_guard(guard, context.base)
        if reference is not None:
            forms.setdefault(reference, []).append(guard)
    by_type: dict[str, list[str]] = {}
    for reference in forms:
        by_type.setdefault(reference.partition("/")[0], []).append(reference)
    found: set[str] = set()
    for type, references in by_type.items():
        for one in await _here(context, type, references, letter, hidden):
            found.update(forms[one])
    return found


async def _here(
    context: Context, type: str, references: Sequence[str], letter: str, hidden: bool
) -> list[str]:
    try:
        own = own_criterion(context, type, letter)
    except NotPermitted:
        return []
    if hidden and own is None:
        return []
    own = Not(own) if hidden and own is not None else own
    found: list[str] = []
    for start in range(0, len(references), _AT_ONCE):
        chunk = Ids(tuple(references[start : start + _AT_ONCE]))
        stages = _stages(context, type, (chunk,) if own is None else (chunk, own))
        searching = context.server.store.searching
        found += await searching.references(stages, _AT_ONCE, _session(context))
    return found


async def _current(context: Context, reference: str) -> StoredResource | None:
    """The resource as the enclosing transaction sees it; None when it is not there or deleted."""
    if context.unit is not None:
        type, _, id = reference.partition("/")
        known = await context.unit.find(type, id)
        return known if known is not None and not known.deleted else None
    found = await context.server.store.searching.current([reference])
    return found[0].stored if found else None


def _stages(context: Context, type: str, criteria: Sequence[Criterion]) -> list[Filter]:
    query = SearchQuery(types=(type,), criteria=tuple(criteria))
    return to_stages(query, context.base, context.server.store.now())


def _session(context: Context) -> Any:
    return context.unit.session if context.unit is not None else None
