"""Conditional interactions: who meets the criteria, and nobody else in between.

FHIR R4 3.1.0.8.1 (create), 3.1.0.4.3 (update), 3.1.0.7.1 (delete), 3.1.0.6.1 (patch).
"""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

from fhir_server.auth.access import permit
from fhir_server.errors import PreconditionFailed
from fhir_server.interactions.context import Context, Parameters
from fhir_server.interactions.matching import matching
from fhir_server.store import StoredResource

_RENDERING = ("_format", "_pretty", "_summary", "_elements")
"""Parameters about the answer's form, which choose no resource."""


def criteria_in(text: str) -> Parameters:
    """The criteria in an If-None-Exist header or a conditional reference, after its `?` if any."""
    return tuple(parse_qsl(text.rpartition("?")[2], keep_blank_values=True))


def canonical(type: str, criteria: Parameters) -> str:
    """One text for the same criteria, in whatever order and encoding they came."""
    return f"{type}?{urlencode(sorted(_choosing(criteria)))}"


async def candidates(
    type: str, criteria: Parameters, context: Context, *, limit: int = 2
) -> tuple[StoredResource, ...]:
    """Up to `limit` resources that meet the criteria, as the transaction of `context` sees them.

    To be told is to have searched, so the caller must be allowed to. Raises `PreconditionFailed`
    for no criteria at all, which everything would meet.
    """
    permit(context.caller, type, "search-type")
    chosen = _choosing(criteria)
    if not any(value for _, value in chosen):
        raise PreconditionFailed("A condition needs search parameters: this one has none.")
    return await matching(type, chosen, context, limit=limit)


async def only_candidate(
    type: str, criteria: Parameters, context: Context, *, creates: bool = False
) -> StoredResource | None:
    """The one resource that meets the criteria, None if there is none.

    With `creates`, of several transactions that find none only one goes on: it touches the lock of
    these criteria. Raises `PreconditionFailed` when several resources meet them.
    """
    if creates and context.unit is not None:
        await context.unit.hold(canonical(type, criteria))
    found = await candidates(type, criteria, context)
    if len(found) > 1:
        raise PreconditionFailed(f"The criteria are not selective enough: several {type} match.")
    return found[0] if found else None


def _choosing(criteria: Parameters) -> Parameters:
    return tuple(pair for pair in criteria if pair[0] not in _RENDERING)
