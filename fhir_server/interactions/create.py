"""FHIR create. https://hl7.org/fhir/R4/http.html#create"""

from __future__ import annotations

from fhir_server.audit import Access
from fhir_server.auth.access import permit
from fhir_server.errors import NotSupported
from fhir_server.interactions.body import parse
from fhir_server.interactions.context import Context, FhirRequest, FhirResponse
from fhir_server.interactions.outcome import written
from fhir_server.resource import Resource
from fhir_server.store import StoredResource, UnitOfWork


async def create(request: FhirRequest, context: Context) -> FhirResponse:
    """Store a new resource under an id of the server's choice and answer 201."""
    type = request.type or ""
    permit(context.caller, type, "create")
    if request.if_none_exist is not None:
        raise NotSupported("Conditional create (If-None-Exist) is not offered.")
    resource = parse(request.body, type)
    resource.pop("id", None)
    if request.id is not None:  # chosen by the transaction around this, which names it elsewhere
        resource["id"] = request.id
    return written(201, await store_new(resource, context), request, context)


async def store_new(resource: Resource, context: Context) -> StoredResource:
    """Store a checked resource, with its id if it has one, and record the access."""

    async def body(unit: UnitOfWork) -> StoredResource:
        stored = await unit.create(resource)
        await context.audit(Access("create", 201, (stored.reference,)), unit)
        return stored

    return await context.transact(body)
