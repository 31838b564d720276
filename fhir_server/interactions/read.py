"""FHIR read. https://hl7.org/fhir/R4/http.html#read"""

from __future__ import annotations

from datetime import UTC
from email.utils import parsedate_to_datetime

from fhir_server.audit import Access
from fhir_server.auth.access import permit
from fhir_server.errors import InvalidParameter, NotSupported, ResourceGone, ResourceNotFound
from fhir_server.formats.subset import Subset
from fhir_server.interactions.body import logical_id
from fhir_server.interactions.context import Context, FhirRequest, FhirResponse, audited
from fhir_server.interactions.visibility import is_limited, require
from fhir_server.labels import labels_in
from fhir_server.resource import dumps
from fhir_server.store import StoredResource

_KNOWN = frozenset({"_summary", "_elements", "_format", "_pretty"})


async def read(request: FhirRequest, context: Context) -> FhirResponse:
    """Answer the current version. 404 when it never existed, 410 when deleted."""
    type, id = request.type or "", logical_id(request.id or "")
    permit(context.caller, type, "read")
    part = subset_of(request)
    access = Access("read", entities=(f"{type}/{id}",))

    async def work() -> StoredResource:
        if context.unit is not None:
            stored = await context.unit.read(type, id)
        else:
            stored = await readable(type, id, context)
        await require(context, stored, "r")
        return stored

    stored = await audited(
        context,
        access,
        work,
        lambda found: (found.patient,),
        lambda found: {access.entities[0]: labels_in(found.raw)},
    )
    if unchanged(stored, request):
        return FhirResponse(304, stored=stored)
    return FhirResponse(200, await body_of(stored, context, part), stored)


async def readable(type: str, id: str, context: Context) -> StoredResource:
    """The current version. That it was deleted is not told to who might not have seen it."""
    try:
        return await context.server.store.read(type, id)
    except ResourceGone:
        if is_limited(context, type, "r"):
            raise ResourceNotFound(f"{type}/{id} does not exist.") from None
        raise


def subset_of(request: FhirRequest) -> Subset | None:
    """The part that `_summary` or `_elements` asks for. Raises for other parameters."""
    asked = dict(request.parameters)
    unknown = sorted(set(asked) - _KNOWN)
    if unknown:
        raise NotSupported(
            f"A read does not know {', '.join(unknown)[:200]}. "
            f"It knows {', '.join(sorted(_KNOWN))}."
        )
    if asked.get("_summary") == "count":
        raise InvalidParameter("_summary=count is for searches.")
    return Subset.parse(asked.get("_summary"), asked.get("_elements"))


def unchanged(stored: StoredResource, request: FhirRequest) -> bool:
    """Whether the client has this version already. FHIR R4 3.1.0.1.6, RFC 9110 section 13."""
    if request.if_none_match is not None:
        known = [tag.strip().removeprefix("W/") for tag in request.if_none_match.split(",")]
        return "*" in known or f'"{stored.version}"' in known
    if request.if_modified_since is not None:
        try:
            since = parsedate_to_datetime(request.if_modified_since)
        except (ValueError, OverflowError):
            raise InvalidParameter("If-Modified-Since takes an HTTP date.") from None
        # HTTP dates have whole seconds, and without a zone they are of GMT.
        return stored.last_updated.replace(microsecond=0) <= (
            since if since.tzinfo else since.replace(tzinfo=UTC)
        )
    return False


async def body_of(stored: StoredResource, context: Context, subset: Subset | None = None) -> bytes:
    """The bytes to answer: those stored, unless content goes back in or a part is asked for."""
    if not stored.blobs:
        return stored.raw if subset is None else subset.bytes_of(stored.raw)
    whole = await context.server.store.whole(stored)
    return dumps(whole if subset is None else subset.of(whole))
