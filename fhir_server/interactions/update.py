"""FHIR update and update-as-create. https://hl7.org/fhir/R4/http.html#update"""

from __future__ import annotations

from dataclasses import replace

from fhir_server.audit import Access
from fhir_server.auth.access import permit
from fhir_server.errors import FhirError, Malformed
from fhir_server.interactions.body import logical_id, parse, version_of
from fhir_server.interactions.context import Context, FhirRequest, FhirResponse
from fhir_server.interactions.outcome import written
from fhir_server.resource import Resource
from fhir_server.store import StoredResource, UnitOfWork


async def update(request: FhirRequest, context: Context) -> FhirResponse:
    """Store the next version, or the first under the client's id (201).

    412 when If-Match names another version than the current one.
    """
    type, id = request.type or "", logical_id(request.id or "")
    permit(context.caller, type, "update")
    if_match = version_of(request.if_match)
    resource = parse(request.body, type)
    if resource.get("id") != id:
        raise Malformed("The id in the body must be that of the address.", expression=("id",))
    stored = await store_next(resource, if_match, context)
    return written(201 if stored.version == 1 else 200, stored, request, context)


async def store_next(resource: Resource, if_match: int | None, context: Context) -> StoredResource:
    """Store a checked resource under its id and record the access, refusals included."""
    reference = f"{resource['resourceType']}/{resource['id']}"
    access = Access("update", entities=(reference,))

    async def body(unit: UnitOfWork) -> StoredResource:
        stored = await unit.put(resource, if_match=if_match)
        await context.audit(access, unit)
        return stored

    try:
        return await context.transact(body)
    except FhirError as error:
        if context.unit is None:
            await context.audit(replace(access, outcome=error.status))
        raise
