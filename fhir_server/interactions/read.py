"""FHIR read. https://hl7.org/fhir/R4/http.html#read"""

from __future__ import annotations

from fhir_server.audit import Access
from fhir_server.auth.access import permit
from fhir_server.interactions.body import logical_id
from fhir_server.interactions.context import Context, FhirRequest, FhirResponse, audited
from fhir_server.resource import dumps
from fhir_server.store import StoredResource


async def read(request: FhirRequest, context: Context) -> FhirResponse:
    """Answer the current version. 404 when it never existed, 410 when deleted."""
    type, id = request.type or "", logical_id(request.id or "")
    permit(context.caller, type, "read")
    access = Access("read", entities=(f"{type}/{id}",))

    async def work() -> StoredResource:
        if context.unit is not None:
            return await context.unit.read(type, id)
        return await context.server.store.read(type, id)

    stored = await audited(context, access, work)
    return FhirResponse(200, await body_of(stored, context), stored)


async def body_of(stored: StoredResource, context: Context) -> bytes:
    """The bytes to answer: those stored, unless content has to be put back in."""
    if stored.blob is None:
        return stored.raw
    return dumps(await context.server.store.whole(stored))
