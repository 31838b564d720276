"""FHIR vread. https://hl7.org/fhir/R4/http.html#vread"""

from __future__ import annotations

from fhir_server.audit import Access
from fhir_server.auth.access import permit
from fhir_server.errors import ResourceNotFound
from fhir_server.interactions.body import logical_id
from fhir_server.interactions.context import Context, FhirRequest, FhirResponse, audited
from fhir_server.interactions.read import body_of, subset_of, unchanged
from fhir_server.store import StoredResource


async def vread(request: FhirRequest, context: Context) -> FhirResponse:
    """Answer one version. 404 when there is none of that number, 410 when it is the deletion."""
    type, id = request.type or "", logical_id(request.id or "")
    permit(context.caller, type, "vread")
    access = Access("vread", entities=(f"{type}/{id}/_history/{request.version}",))

    async def work() -> StoredResource:
        version = request.version or ""
        if not version.isascii() or not version.isdigit() or len(version) > 18:
            raise ResourceNotFound(f"{type}/{id} has no such version: versions are numbers.")
        return await context.server.store.vread(type, id, int(version))

    stored = await audited(context, access, work)
    if unchanged(stored, request):
        return FhirResponse(304, stored=stored)
    return FhirResponse(200, await body_of(stored, context, subset_of(request)), stored)
