"""FHIR update, update-as-create, conditional update. https://hl7.org/fhir/R4/http.html#update"""

from __future__ import annotations

from fhir_server.audit import Access
from fhir_server.auth.access import permit
from fhir_server.errors import Malformed, NotPermitted, VersionConflict
from fhir_server.interactions.body import logical_id, parsed
from fhir_server.interactions.context import Context, FhirRequest, FhirResponse, recorded
from fhir_server.interactions.criteria import only_candidate
from fhir_server.interactions.outcome import written
from fhir_server.interactions.preconditions import required_version
from fhir_server.interactions.visibility import has_criterion, require_content, sees
from fhir_server.resource import Resource
from fhir_server.store import UnitOfWork

_OUT_OF_REACH = "Your token's scopes do not cover this resource, if there is one."


async def update(request: FhirRequest, context: Context) -> FhirResponse:
    """Store the next version, or the first under the client's id (201).

    The same content makes no version: 200 and the current one. 412 when If-Match names another
    version than the current one, or If-None-Match what is there.
    """
    type = request.type or ""
    permit(context.caller, type, "update")
    resource = parsed(request, context.server.settings.required_profiles)
    if request.id is not None and resource.get("id") != logical_id(request.id):
        raise Malformed("The id in the body must be that of the address.", expression=("id",))
    about = (f"{type}/{request.id}",) if request.id is not None else ()

    async def body(unit: UnitOfWork) -> FhirResponse:
        inside = context.within(unit)
        await require_content(inside, resource, "u")
        id = request.id
        if id is None:
            id = await identity(type, request, resource, inside)
        return await _put(id, resource, request, inside)

    return await recorded(context, Access("update", entities=about), body)


async def _put(id: str, resource: Resource, request: FhirRequest, context: Context) -> FhirResponse:
    assert context.unit is not None
    current = await context.unit.find(resource["resourceType"], id)
    if current is None:
        # An id that is free must not be told from one that is taken out of the scope's reach.
        narrow = request.id is not None and has_criterion(context, resource["resourceType"], "u")
    else:
        narrow = not await sees(context, current, "u")
    if narrow:
        raise NotPermitted(_OUT_OF_REACH)
    if_match = required_version(request, current)
    stored = await context.unit.put({**resource, "id": id}, if_match=if_match)
    made = current is None or current.deleted
    status, interaction = (201, "create") if made else (200, "update")
    await context.audit(Access(interaction, status, (stored.reference,)))
    return await written(status, stored, request, context)


async def identity(type: str, request: FhirRequest, resource: Resource, context: Context) -> str:
    """The id that a conditional update writes to; a new one when nothing meets the criteria.

    Raises `Malformed` when the body names another resource than the criteria, and
    `VersionConflict` when it names one that exists and does not meet them, `NotPermitted` when that
    is out of reach.
    """
    assert context.unit is not None
    found = await only_candidate(type, request.parameters, context, creates=True)
    named: str | None = resource.get("id")
    if found is not None:
        if named not in (None, found.id):
            raise Malformed("The criteria match a resource of another id.", expression=("id",))
        return found.id
    if named is None:
        return context.unit.new_id()
    there = await context.unit.find(type, named)
    # Free or taken: who has a part of the type is told the same, as by the id in the address.
    if there is None:
        hidden = has_criterion(context, type, "u")
    else:
        hidden = not await sees(context, there, "u")
    if hidden:
        raise NotPermitted(_OUT_OF_REACH)
    if there is not None and not there.deleted:
        raise VersionConflict(f"{there.reference} exists and does not meet the criteria.")
    return named
