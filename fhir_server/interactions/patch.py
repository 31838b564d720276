"""FHIR patch and conditional patch. https://hl7.org/fhir/R4/http.html#patch

The body's form says what it is: a list is a JSON Patch (RFC 6902), a Parameters resource a FHIRPath
Patch.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fhir_server.audit import Access
from fhir_server.auth.access import permit
from fhir_server.errors import (
    InvalidResource,
    Malformed,
    PreconditionFailed,
    ResourceNotFound,
    UnsupportedMedia,
)
from fhir_server.interactions.body import checked, logical_id
from fhir_server.interactions.context import Context, FhirRequest, FhirResponse, recorded
from fhir_server.interactions.criteria import only_candidate
from fhir_server.interactions.outcome import written
from fhir_server.interactions.preconditions import required_version
from fhir_server.interactions.visibility import knows, require, require_content, sees
from fhir_server.patch import fhirpath_patch, json_patch
from fhir_server.resource import Resource, loads
from fhir_server.store import StoredResource, UnitOfWork

JSON_PATCH = "application/json-patch+json"
_FIXED = ("resourceType", "id")


async def patch(request: FhirRequest, context: Context) -> FhirResponse:
    """Change parts of the current version and answer 200.

    A patch that changes nothing makes no version. 404 or 410 when there is nothing to change, 412
    when If-Match names another version, 422 when the patch does not fit or its result is invalid.
    Who may change and not read is not shown the result.
    """
    type = request.type or ""
    permit(context.caller, type, "patch")
    change = _change(request)
    about = (f"{type}/{logical_id(request.id)}",) if request.id is not None else ()

    async def body(unit: UnitOfWork) -> FhirResponse:
        inside = context.within(unit)
        id = request.id if request.id is not None else await target(type, request, inside)
        stored = await _apply(change, type, id, request, inside)
        await inside.audit(Access("patch", entities=(stored.reference,)))
        return await written(200, stored, await _told(stored, request, inside), context)

    return await recorded(context, Access("patch", entities=about), body)


async def target(type: str, request: FhirRequest, context: Context) -> str:
    """The id that a conditional patch changes. Raises `ResourceNotFound` when none matches."""
    found = await only_candidate(type, request.parameters, context)
    if found is None:
        raise ResourceNotFound(f"No {type} meets the criteria.")
    return found.id


async def _told(stored: StoredResource, request: FhirRequest, context: Context) -> FhirRequest:
    """The request; one for no content when the caller may not read what a patch left as it was."""
    if "return=OperationOutcome" in request.prefer or await knows(context, stored):
        return request
    return replace(request, prefer="return=minimal")


def _change(request: FhirRequest) -> Any:
    change = request.resource if request.resource is not None else loads(request.body)
    if isinstance(change, list):
        return change
    if request.content_type.partition(";")[0].strip() == JSON_PATCH:
        raise Malformed("A JSON Patch is a list of operations.")
    if isinstance(change, dict) and change.get("resourceType") == "Parameters":
        return change
    raise UnsupportedMedia(
        f"A patch is a list of operations ({JSON_PATCH}) or a Parameters resource."
    )


async def _apply(
    change: Any, type: str, id: str, request: FhirRequest, context: Context
) -> StoredResource:
    assert context.unit is not None
    current = await context.unit.find(type, id)
    if current is not None and not current.deleted and not await sees(context, current, "u"):
        current = None  # what the caller may not reach is as if it were not there
    if_match = required_version(request, current)
    if current is None and if_match is not None:
        raise PreconditionFailed("If-Match names a version, but the resource does not exist.")
    there = await context.unit.read(type, id)
    await require(context, there, "u")
    before = await context.server.store.whole(there)
    after = checked(_patched(before, change), type, context.server.settings.required_profiles)
    await require_content(context, after, "u")
    return await context.unit.update(after, if_match=if_match, method="PATCH")


def _patched(before: Resource, change: Any) -> Resource:
    if isinstance(change, list):
        after = json_patch.apply(before, change)
    else:
        after = fhirpath_patch.apply(before, change)
    for name in _FIXED:
        if after.get(name) != before[name]:
            raise InvalidResource(f"A patch does not change the {name}.", expression=(name,))
    return after
