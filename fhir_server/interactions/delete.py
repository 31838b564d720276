"""FHIR delete. https://hl7.org/fhir/R4/http.html#delete"""

from __future__ import annotations

from dataclasses import replace

from fhir_server.audit import Access
from fhir_server.auth.access import permit
from fhir_server.errors import FhirError
from fhir_server.interactions.body import logical_id, version_of
from fhir_server.interactions.context import Context, FhirRequest, FhirResponse
from fhir_server.store import StoredResource, UnitOfWork


async def delete(request: FhirRequest, context: Context) -> FhirResponse:
    """Mark the resource deleted and answer 204; its versions stay readable.

    Deleting twice is no error; 404 when it never existed, 412 when If-Match does not hold.
    """
    type, id = request.type or "", logical_id(request.id or "")
    permit(context.caller, type, "delete")
    if_match = version_of(request.if_match)
    access = Access("delete", 204, (f"{type}/{id}",))

    async def body(unit: UnitOfWork) -> StoredResource:
        stored = await unit.delete(type, id, if_match=if_match)
        await context.audit(access, unit)
        return stored

    try:
        stored = await context.transact(body)
    except FhirError as error:
        if context.unit is None:
            await context.audit(replace(access, outcome=error.status))
        raise
    return FhirResponse(204, stored=stored)
