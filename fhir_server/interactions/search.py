"""FHIR search on one type. https://hl7.org/fhir/R4/http.html#search"""

from __future__ import annotations

from urllib.parse import urlencode

from fhir_server.audit import Access
from fhir_server.auth.access import permit
from fhir_server.errors import Issue, NotSupported
from fhir_server.interactions.bundle import Entry, bundle
from fhir_server.interactions.context import Context, FhirRequest, FhirResponse, audited
from fhir_server.interactions.outcome import operation_outcome
from fhir_server.interactions.paging import CURSOR, decode, encode
from fhir_server.interactions.result_parameters import page_size
from fhir_server.resource import Resource, dumps
from fhir_server.search.mongo_filter import Filter, to_filter
from fhir_server.search.query import SearchQuery, parse
from fhir_server.store import Page, StoredResource


async def search(request: FhirRequest, context: Context) -> FhirResponse:
    """Answer a searchset, newest first, a page at a time."""
    type = request.type or ""
    permit(context.caller, type, "search-type")
    if context.unit is not None:
        raise NotSupported("A transaction does not search; use a batch.")
    query = parse(type, request.parameters, lenient=context.lenient)
    condition = to_filter(query, context.base)
    access = Access("search-type", query=f"{type}?{urlencode(query.used)}")

    async def work() -> FhirResponse:
        return FhirResponse(200, await _searchset(query, condition, context))

    return await audited(context, access, work)


async def _searchset(query: SearchQuery, condition: Filter, context: Context) -> bytes:
    store, key = context.server.store, context.server.cursor_key
    head: Resource = {"type": "searchset"}
    if query.total or query.count_only:
        head["total"] = await store.count(condition)
    scope = f"{query.type}?{urlencode(query.used)}"
    head["link"] = [_link("self", query, context)]
    page = Page((), None)
    if not query.count_only:
        page = await store.search(
            condition,
            count=page_size(query.count, context.server.settings),
            after=decode(query.cursor, scope, key) if query.cursor else None,
            ascending=query.oldest_first,
        )
    if page.next is not None:
        head["link"].append(_link("next", query, context, encode(page.next, scope, key)))
    entries = [_match(stored, context) for stored in page.entries]
    return bundle(head, [*entries, *_ignored(query)])


def _link(
    relation: str, query: SearchQuery, context: Context, cursor: str | None = None
) -> dict[str, str]:
    pairs = [*query.used, *([(CURSOR, cursor)] if cursor else [])]
    suffix = f"?{urlencode(pairs)}" if pairs else ""
    return {"relation": relation, "url": f"{context.base}/{query.type}{suffix}"}


def _match(stored: StoredResource, context: Context) -> Entry:
    full_url = f"{context.base}/{stored.reference}"
    return {"fullUrl": full_url, "search": {"mode": "match"}}, stored.raw


def _ignored(query: SearchQuery) -> list[Entry]:
    if not query.ignored:
        return []
    issue = Issue("not-supported", f"Left out: {', '.join(query.ignored)}.", severity="warning")
    outcome = dumps(operation_outcome((issue,)))
    return [({"search": {"mode": "outcome"}}, outcome)]
