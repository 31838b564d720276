"""Patient/$everything and Encounter/$everything: a whole record as one searchset, by pages.

https://hl7.org/fhir/R4/patient-operation-everything.html and
https://hl7.org/fhir/R4/encounter-operation-everything.html

Members of the compartment are matches, what they refer to outside it is included. A page has
`_count` entries, without it as many as a page may have; `next` links go on. `_type` and `_since`
hold for every entry, but for what a changed resource refers to: that is included whatever its age,
because who gets the one may not have the other. AuditEvents are there for those who may read them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from urllib.parse import urlencode

from fhir_server.auth.access import permit
from fhir_server.definitions.elements import resource_types
from fhir_server.definitions.search_parameters import compartment
from fhir_server.errors import InvalidParameter, TooCostly
from fhir_server.interactions.bundle import Entry, bundle
from fhir_server.interactions.context import Context, FhirResponse
from fhir_server.interactions.paging import CURSOR, decode_page, encode_page
from fhir_server.interactions.read import body_of
from fhir_server.interactions.resolving import Resolver
from fhir_server.interactions.visibility import visible
from fhir_server.operations.reading import current, may_read
from fhir_server.operations.record import Record, Scope
from fhir_server.operations.references import as_local
from fhir_server.operations.request import OperationRequest
from fhir_server.resource import Resource
from fhir_server.search.care_dates import care_range
from fhir_server.store import StoredResource
from fhir_server.store.searching import Position

PATIENT_LIMIT = 200
"""Most patients whose records are answered together; the definition allows to refuse more."""

_MEMBER, _SUPPORTING = "m", "s"


async def patient_everything(request: OperationRequest, context: Context) -> FhirResponse:
    """Answer the record of one patient, or of all when there are not too many."""
    if request.id is not None:
        return await _everything("Patient", f"Patient/{request.id}", request, context)
    permit(context.caller, "Patient", "read")
    store, own = context.server.store, await visible(context, ("Patient",), "r")
    stages = Resolver(context, store.now()).stages(("Patient",), own)
    found = await store.searching.references(stages, PATIENT_LIMIT + 1)
    if len(found) > PATIENT_LIMIT:
        raise TooCostly(
            f"There are over {PATIENT_LIMIT} patients here: ask for one by Patient/id/$everything."
        )
    return await _everything("Patient", None, request, context)


async def encounter_everything(request: OperationRequest, context: Context) -> FhirResponse:
    """Answer the record of one encounter."""
    permit(context.caller, "Encounter", "read")
    stored = await current("Encounter", request.id or "", context)
    subject = stored.resource().get("subject", {}).get("reference", "")
    return await _everything("Encounter", as_local(subject, context.base), request, context)


async def _everything(
    name: str, patient: str | None, request: OperationRequest, context: Context
) -> FhirResponse:
    permit(context.caller, name, "read")
    if request.id is not None:
        await current(name, request.id, context)
    record = Record(_scope(name, patient, request, context), context)
    count, at = _count(request, context), _position(request, context)
    members: list[StoredResource] = []
    if at is None or at[0] == _MEMBER:
        members = await record.members(at[1:] if at else None, count + 1)
    supporting: list[StoredResource] = []
    if len(members) <= count:
        after = str(at[1]) if at and at[0] == _SUPPORTING else ""
        supporting = await record.supporting(after, count + 1 - len(members))
    more = len(members) + len(supporting) > count
    page = [(one, "match") for one in members] + [(one, "include") for one in supporting]
    head: Resource = {"type": "searchset"}
    if at is None and not more:
        head["total"] = len(members)
    head["link"] = _links(request, page[:count] if more else (), context)
    entries = [await _entry(one, mode, context) for one, mode in page[:count]]
    patients = tuple(one.patient for one, _ in page[:count])
    return FhirResponse(200, bundle(head, entries), patients=patients)


def _scope(name: str, patient: str | None, request: OperationRequest, context: Context) -> Scope:
    parameters = request.parameters
    readable = frozenset(type for type in resource_types() if may_read(type, context))
    types = _types(request, context)
    return Scope(
        name=name,
        id=request.id,
        patient=patient,
        readable=tuple(sorted(readable & {name, *compartment(name)})),
        types=types or readable,
        since=parameters.instant("_since"),
        care=care_range(parameters.text("start"), parameters.text("end")),
    )


def _types(request: OperationRequest, context: Context) -> frozenset[str]:
    named = {one for text in request.parameters.texts("_type") for one in text.split(",")}
    for type in named:
        if type not in resource_types():
            raise InvalidParameter("_type takes names of FHIR R4 resource types.")
        permit(context.caller, type, "read")
    return frozenset(named)


def _count(request: OperationRequest, context: Context) -> int:
    limit = context.server.settings.page_limit
    return min(request.parameters.positive("_count") or limit, limit)


def _position(request: OperationRequest, context: Context) -> Position | None:
    cursor = request.parameters.text(CURSOR)
    if cursor is None:
        return None
    return decode_page(cursor, _own(request), context.server.cursor_key)[0]


def _own(request: OperationRequest) -> str:
    pairs = request.parameters.without({CURSOR}).pairs()
    return f"{request.path}?{urlencode(pairs)}"


def _links(
    request: OperationRequest, page: Sequence[tuple[StoredResource, str]], context: Context
) -> list[Resource]:
    """`self`, and `next` after the last of `page` when there is one."""
    links: list[Resource] = [{"relation": "self", "url": f"{context.base}/{request.query}"}]
    if page:
        last, mode = page[-1]
        moment: datetime = last.last_updated
        place: Position = (
            (_MEMBER, last.type, moment, last.reference)
            if mode == "match"
            else (_SUPPORTING, last.reference)
        )
        cursor = encode_page(place, _own(request), context.server.cursor_key)
        pairs = [*request.parameters.without({CURSOR}).pairs(), (CURSOR, cursor)]
        url = f"{context.base}/{request.path}?{urlencode(pairs)}"
        links.append({"relation": "next", "url": url})
    return links


async def _entry(stored: StoredResource, mode: str, context: Context) -> Entry:
    members = {"fullUrl": f"{context.base}/{stored.reference}", "search": {"mode": mode}}
    return members, await body_of(stored, context)
