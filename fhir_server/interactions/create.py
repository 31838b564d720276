"""FHIR create and conditional create. https://hl7.org/fhir/R4/http.html#create"""

from __future__ import annotations

from fhir_server.audit import Access
from fhir_server.auth.access import permit
from fhir_server.interactions.body import parsed
from fhir_server.interactions.context import Context, FhirRequest, FhirResponse, recorded
from fhir_server.interactions.criteria import criteria_in, only_candidate
from fhir_server.interactions.outcome import written
from fhir_server.interactions.visibility import require_content
from fhir_server.resource import Resource
from fhir_server.store import StoredResource, UnitOfWork


async def create(request: FhirRequest, context: Context) -> FhirResponse:
    """Store a new resource under an id of the server's choice and answer 201.

    With If-None-Exist, 200 and the resource that meets the criteria if there is one, 412 if there
    are several.
    """
    type = request.type or ""
    permit(context.caller, type, "create")
    sent = parsed(request, context.server.settings.required_profiles)
    resource = {name: value for name, value in sent.items() if name != "id"}
    if request.id is not None:  # chosen by the transaction around this, which names it elsewhere
        resource["id"] = request.id

    async def body(unit: UnitOfWork) -> FhirResponse:
        inside = context.within(unit)
        await require_content(inside, resource, "c")
        if request.if_none_exist is not None:
            criteria = criteria_in(request.if_none_exist)
            there = await only_candidate(type, criteria, inside, creates=True)
            if there is not None:
                return await matched(there, request, inside)
        return await written(201, await store_new(resource, inside), request, context)

    return await recorded(context, Access("create"), body)


async def matched(there: StoredResource, request: FhirRequest, context: Context) -> FhirResponse:
    """The answer of a conditional create that finds its resource; the caller has read it."""
    await context.audit(Access("read", entities=(there.reference,)))
    return await written(200, there, request, context)


async def store_new(resource: Resource, context: Context) -> StoredResource:
    """Store a checked resource, with its id if it has one, and record the access."""

    async def body(unit: UnitOfWork) -> StoredResource:
        stored = await unit.create(resource)
        await context.audit(Access("create", 201, (stored.reference,)), unit)
        return stored

    return await context.transact(body)
