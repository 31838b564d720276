"""FHIR history of an instance, a type, the system. https://hl7.org/fhir/R4/http.html#history"""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import urlencode

from fhir_server.audit import Access
from fhir_server.auth.access import permit
from fhir_server.auth.scopes import LETTER
from fhir_server.clock import instant
from fhir_server.dates import Range, parse_range
from fhir_server.errors import InvalidParameter, NotSupported, ResourceNotFound, TooCostly
from fhir_server.interactions.body import logical_id
from fhir_server.interactions.bundle import Entry, bundle
from fhir_server.interactions.context import Context, FhirRequest, FhirResponse, audited
from fhir_server.interactions.newest import seen_with_newest
from fhir_server.interactions.paging import CURSOR, decode, encode
from fhir_server.interactions.read import body_of
from fhir_server.interactions.result_parameters import page_size
from fhir_server.interactions.time_limit import time_limit
from fhir_server.labels import Label, high_water_mark, labels_in
from fhir_server.search.comparisons import since
from fhir_server.store import Page, StoredResource
from fhir_server.store.versions import Position

_KNOWN = ("_count", "_since", "_at", "_format", "_pretty", CURSOR)
_MOST_HIDDEN = 5000
"""Versions that one page looks at when most are hidden from the caller."""


async def history(request: FhirRequest, context: Context) -> FhirResponse:
    """Answer versions newest first, a page at a time, deletions included."""
    condition, letter = _condition(request, context), LETTER[request.interaction]
    parameters = _parameters(request, lenient=context.lenient)
    if "_since" in parameters:
        condition["lu"] = since(_since(parameters["_since"]))
    path = "/".join(part for part in (request.type, request.id, "_history") if part)
    scope = f"{path}?{parameters.get('_since', '')}&{parameters.get('_at', '')}"
    during = _period(parameters["_at"]) if "_at" in parameters else None
    key = context.server.cursor_key
    after = decode(parameters[CURSOR], scope, key) if CURSOR in parameters else None
    count = page_size(parameters.get("_count"), context.server.settings)

    patients: list[str] = []

    async def work() -> Page:
        async with time_limit(context):
            found = await _visible(
                condition, context, letter, count=count, after=after, during=during
            )
        if request.id and not (found.entries or after):
            await _require_known(request, context, letter)
        shown = [one.reference for one in found.entries]
        patients.extend(await context.server.store.patients_of(shown))
        return found

    access = Access(request.interaction, entities=_about(request))
    page = await audited(context, access, work, lambda _: patients, partial(_labels, access))
    links = [_link("self", context, path, parameters)]
    if page.next is not None:
        cursor = encode(page.next, scope, key)
        links.append(_link("next", context, path, {**parameters, CURSOR: cursor}))
    entries = [await _entry(stored, context) for stored in page.entries]
    return FhirResponse(200, bundle({"type": "history", "link": links}, entries))


async def _visible(
    condition: dict[str, Any],
    context: Context,
    letter: str,
    *,
    count: int,
    after: Position | None,
    during: Range | None,
) -> Page:
    """A page of what the caller may see, filled up: a short page would tell how much is hidden."""
    shown: list[StoredResource] = []
    looked_at = 0
    while True:
        found = await context.server.store.history(
            condition, count=max(count + 1 - len(shown), 1), after=after, during=during
        )
        shown += await seen_with_newest(found.entries, context, letter)
        after, looked_at = found.next, looked_at + len(found.entries)
        if after is None or len(shown) > count:
            break
        if looked_at > _MOST_HIDDEN:
            raise TooCostly("Too many versions would be looked at: narrow it with _since.")
    last = shown[count - 1] if len(shown) > count and count else None
    ended = (last.last_updated, f"{last.reference}/{last.version}") if last else None
    return Page(tuple(shown[:count]), ended)


async def _require_known(request: FhirRequest, context: Context, letter: str) -> None:
    """Raise `ResourceNotFound` unless the caller may see the newest version, whenever it is of.

    What is hidden and what never existed are answered alike, with `_since` and `_at` too.
    """
    of_it = {"type": request.type, "id": request.id}
    newest = await context.server.store.history(of_it, count=1)
    if not await seen_with_newest(newest.entries, context, letter):
        raise ResourceNotFound(f"{request.type}/{request.id} does not exist.")


def _condition(request: FhirRequest, context: Context) -> dict[str, Any]:
    if request.type is None:
        permit(context.caller, "AuditEvent", "history-system")
        return {}
    permit(context.caller, request.type, request.interaction)
    if request.id is None:
        return {"type": request.type}
    return {"type": request.type, "id": logical_id(request.id)}


def _parameters(request: FhirRequest, *, lenient: bool) -> dict[str, str]:
    unknown = sorted({name for name, _ in request.parameters} - set(_KNOWN))
    if unknown and not lenient:
        raise NotSupported(
            f"History does not know {', '.join(unknown)[:200]}; it knows {', '.join(_KNOWN[:3])}."
        )
    return {name: value for name, value in request.parameters if name in _KNOWN}


def _since(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise InvalidParameter("_since takes an instant with a time zone.")
    return moment


def _period(text: str) -> Range:
    # An offset's plus that was not escaped arrives as a space.
    period = parse_range(text.replace(" ", "+"))
    if period is None:
        raise InvalidParameter("_at takes a date or time: 2024, 2024-02, 2024-02-13, an instant.")
    return period


def _labels(access: Access, page: Page) -> dict[str, tuple[Label, ...]]:
    mark = high_water_mark(labels_in(one.raw) for one in page.entries)
    return dict.fromkeys(access.entities, mark)


def _about(request: FhirRequest) -> tuple[str, ...]:
    return (f"{request.type}/{request.id}",) if request.id else ()


def _link(relation: str, context: Context, path: str, parameters: dict[str, str]) -> dict[str, str]:
    query = f"?{urlencode(parameters)}" if parameters else ""
    return {"relation": relation, "url": f"{context.base}/{path}{query}"}


async def _entry(stored: StoredResource, context: Context) -> Entry:
    method, status = stored.method or _supposed(stored), "200"
    if stored.deleted:
        status = "204"
    elif stored.version == 1:
        status = "201"
    members = {
        "fullUrl": f"{context.base}/{stored.reference}",
        "request": {
            "method": method,
            "url": stored.type if method == "POST" else stored.reference,
        },
        "response": {
            "status": status,
            "etag": stored.etag,
            "lastModified": instant(stored.last_updated),
        },
    }
    return members, await body_of(stored, context) if stored.raw else b""


def _supposed(stored: StoredResource) -> str:
    """The method of a version from before methods were kept."""
    if stored.deleted:
        return "DELETE"
    return "POST" if stored.version == 1 else "PUT"
