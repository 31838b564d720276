"""FHIR delete and conditional delete. https://hl7.org/fhir/R4/http.html#delete"""

from __future__ import annotations

from fhir_server.audit import Access
from fhir_server.auth.access import permit
from fhir_server.errors import Issue, NotPermitted, PreconditionFailed
from fhir_server.interactions.body import logical_id
from fhir_server.interactions.context import Context, FhirRequest, FhirResponse, recorded
from fhir_server.interactions.criteria import candidates
from fhir_server.interactions.outcome import operation_outcome
from fhir_server.interactions.preconditions import required_version
from fhir_server.interactions.visibility import knows, sees
from fhir_server.resource import dumps
from fhir_server.store import StoredResource, UnitOfWork


async def delete(request: FhirRequest, context: Context) -> FhirResponse:
    """Mark the resource deleted and answer 204; its versions stay readable.

    To delete what is deleted already or never existed is no error (FHIR R4 3.1.0.7); 412 when
    If-Match does not hold. What the caller may not see is left as it is and answered like what
    never existed; what the caller may read and not delete is refused. Without an id, what meets the
    criteria is deleted: 412 for several, unless the setting `conditional_delete` allows that.
    """
    type = request.type or ""
    permit(context.caller, type, "delete")
    about = (f"{type}/{logical_id(request.id)}",) if request.id is not None else ()

    async def body(unit: UnitOfWork) -> FhirResponse:
        inside = context.within(unit)
        if request.id is not None:
            gone = [await _remove(type, request.id, request, inside)]
        else:
            ids = [one.id for one in await condemned(type, request, inside)]
            gone = [await _remove(type, id, request, inside) for id in ids]
        return _answer([one for one in gone if one is not None], request)

    return await recorded(context, Access("delete", 204, about), body)


async def condemned(
    type: str, request: FhirRequest, context: Context
) -> tuple[StoredResource, ...]:
    """What a conditional delete deletes. Raises `PreconditionFailed` when that is too many."""
    settings = context.server.settings
    most = settings.bundle_entries if settings.conditional_delete == "multiple" else 1
    found = await candidates(type, request.parameters, context, limit=most + 1)
    if len(found) > most:
        raise PreconditionFailed(
            f"The criteria are not selective enough: more than {most} {type} match."
        )
    return found


async def _remove(
    type: str, id: str, request: FhirRequest, context: Context
) -> StoredResource | None:
    assert context.unit is not None
    current = await context.unit.find(type, id)
    refused = current is not None and not await sees(context, current, "d")
    if current is not None and refused:
        if await knows(context, current):
            raise NotPermitted("Your token's scopes do not cover this resource.")
        current = None
    if_match = required_version(request, current)
    await context.audit(Access("delete", 403 if refused else 204, (f"{type}/{id}",)))
    if current is None:
        if if_match is not None:
            raise PreconditionFailed("If-Match names a version, but the resource does not exist.")
        return None
    return await context.unit.delete(type, id, if_match=if_match)


def _answer(gone: list[StoredResource], request: FhirRequest) -> FhirResponse:
    stored = gone[0] if len(gone) == 1 else None
    if "return=OperationOutcome" not in request.prefer:
        return FhirResponse(204, stored=stored)
    done = Issue("informational", f"Deleted: {len(gone)}.", severity="information")
    return FhirResponse(200, dumps(operation_outcome((done,))), stored)
