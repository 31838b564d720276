"""FHIR vread. https://hl7.org/fhir/R4/http.html#vread"""

from __future__ import annotations

from fhir_server.audit import Access
from fhir_server.auth.access import permit
from fhir_server.errors import ResourceGone, ResourceNotFound
from fhir_server.interactions.body import logical_id
from fhir_server.interactions.context import Context, FhirRequest, FhirResponse, audited
from fhir_server.interactions.newest import seen_with_newest
from fhir_server.interactions.read import body_of, subset_of, unchanged
from fhir_server.interactions.visibility import is_limited
from fhir_server.labels import labels_in
from fhir_server.store import StoredResource


async def version_of(type: str, id: str, version: int, context: Context) -> StoredResource:
    """One version that the caller sees, and would see if it had the labels of the newest one.

    That it is the deletion is not told to who might not have seen it.
    """
    unknown = ResourceNotFound(f"{type}/{id} has no such version.")
    try:
        stored = await context.server.store.vread(type, id, version)
    except ResourceGone:
        if is_limited(context, type, "r"):
            raise unknown from None
        raise
    if not await seen_with_newest([stored], context, "r"):
        raise unknown
    return stored


async def vread(request: FhirRequest, context: Context) -> FhirResponse:
    """Answer one version. 404 when there is none of that number, 410 when it is the deletion."""
    type, id = request.type or "", logical_id(request.id or "")
    permit(context.caller, type, "vread")
    access = Access("vread", entities=(f"{type}/{id}/_history/{request.version}",))

    patients: list[str] = []

    async def work() -> StoredResource:
        version = request.version or ""
        if not version.isascii() or not version.isdigit() or len(version) > 18:
            raise ResourceNotFound(f"{type}/{id} has no such version: versions are numbers.")
        stored = await version_of(type, id, int(version), context)
        patients.extend(await context.server.store.patients_of([stored.reference]))
        return stored

    stored = await audited(
        context,
        access,
        work,
        lambda _: patients,
        lambda found: {access.entities[0]: labels_in(found.raw)},
    )
    if unchanged(stored, request):
        return FhirResponse(304, stored=stored)
    return FhirResponse(200, await body_of(stored, context, subset_of(request)), stored)
