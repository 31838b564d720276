"""Current resources that meet search criteria, inside a transaction too. FHIR R4 3.1.1."""

from __future__ import annotations

from fhir_server.interactions.context import Context, Parameters
from fhir_server.interactions.resolving import Resolver
from fhir_server.interactions.time_limit import time_limit
from fhir_server.search.query import parse
from fhir_server.store import StoredResource


async def matching(
    type: str, criteria: Parameters, context: Context, *, limit: int = 2
) -> tuple[StoredResource, ...]:
    """Up to `limit` resources of `type`, newest first, as the enclosing transaction sees them.

    Unknown parameters are refused whatever the client prefers: to leave one out would match more
    than was meant. Raises `InvalidParameter` and `NotSupported`.
    """
    if context.unit is not None:
        await context.unit.flush()
    query = parse(type, criteria, registry=await context.server.store.parameters.refresh())
    resolver = Resolver(context, context.server.store.now())
    async with time_limit(context):
        resolved = await resolver.resolve(query)
        page = await context.server.store.searching.page(
            resolver.stages(resolved.types, resolved.criteria),
            resolved.sort,
            count=limit,
            session=context.unit.session if context.unit is not None else None,
        )
    return tuple(match.stored for match in page.matches)
