"""Current resources that meet search criteria, inside a transaction too. FHIR R4 3.1.0.8.1."""

from __future__ import annotations

from fhir_server.interactions.context import Context, Parameters
from fhir_server.search.mongo_filter import to_filter
from fhir_server.search.query import parse
from fhir_server.store import StoredResource


async def matching(
    type: str, criteria: Parameters, context: Context, *, limit: int = 2
) -> tuple[StoredResource, ...]:
    """Up to `limit` resources of `type`, newest first, as the enclosing transaction sees them.

    Unknown parameters are refused whatever the client prefers: to leave one out would match more
    than was meant. Raises `InvalidParameter` and `NotSupported`.
    """
    query = parse(type, criteria)
    session = context.unit.session if context.unit is not None else None
    page = await context.server.store.search(
        to_filter(query, context.base), count=limit, session=session
    )
    return page.entries
