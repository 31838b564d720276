"""FHIR search on a type, the system, a compartment. https://hl7.org/fhir/R4/http.html#search"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from fhir_server.audit import Access
from fhir_server.auth.access import permit
from fhir_server.definitions.elements import resource_types
from fhir_server.definitions.search_parameters import compartment, compartments
from fhir_server.errors import InvalidParameter, Issue, NotPermitted, NotSupported, ResourceNotFound
from fhir_server.formats.subset import Subset
from fhir_server.interactions.body import logical_id
from fhir_server.interactions.bundle import Entry, bundle
from fhir_server.interactions.context import Context, FhirRequest, FhirResponse, audited
from fhir_server.interactions.explaining import explained
from fhir_server.interactions.including import Including
from fhir_server.interactions.outcome import operation_outcome
from fhir_server.interactions.paging import CURSOR, decode_page, encode_page
from fhir_server.interactions.read import body_of
from fhir_server.interactions.resolving import Resolver
from fhir_server.interactions.result_parameters import page_size
from fhir_server.interactions.time_limit import time_limit
from fhir_server.interactions.visibility import visible
from fhir_server.labels import Label, high_water_mark, labels_in
from fhir_server.resource import Resource, dumps
from fhir_server.search.criteria import Member
from fhir_server.search.mongo_filter import Filter
from fhir_server.search.query import SearchQuery, parse
from fhir_server.store.searching import Found, Match, Position

_EVERY = "*"


@dataclass(frozen=True)
class _Asked:
    """A search with its address and what it matches."""

    query: SearchQuery
    path: str
    stages: list[Filter]


@dataclass(frozen=True)
class _Answer:
    """A searchset, whose data is in it, and its high-water mark."""

    body: bytes
    patients: tuple[str | None, ...]
    labels: tuple[Label, ...]


async def search(request: FhirRequest, context: Context) -> FhirResponse:
    """Answer a searchset of one type, newest first unless sorted, a page at a time."""
    type = request.type or ""
    permit(context.caller, type, "search-type")
    return await _answer(request, context, type, type, None)


async def search_system(request: FhirRequest, context: Context) -> FhirResponse:
    """Answer a searchset of all types that the caller may search, or of those in `_type`."""
    return await _answer(request, context, None, "", None)


async def search_compartment(request: FhirRequest, context: Context) -> FhirResponse:
    """Answer what belongs to one Patient, Encounter, Practitioner, RelatedPerson or Device."""
    name, id, inner = request.type or "", logical_id(request.id or ""), request.version or ""
    if inner != _EVERY and inner not in resource_types():
        raise ResourceNotFound("There is nothing at this address.")
    if name not in compartments():
        raise NotSupported(f"There are compartments of: {', '.join(compartments())}.")
    if inner != _EVERY and inner != name and inner not in compartment(name):
        raise NotSupported(f"{inner} is in no {name} compartment.")
    if inner != _EVERY:
        permit(context.caller, inner, "search-type")
    type = None if inner == _EVERY else inner
    return await _answer(request, context, type, f"{name}/{id}/{inner}", Member(name, id))


async def _answer(
    request: FhirRequest, context: Context, type: str | None, path: str, member: Member | None
) -> FhirResponse:
    code = "search-type" if type else "search-system"
    access = Access(code, query=f"{path}?{urlencode(request.parameters)}")

    async def work() -> _Answer:
        query = await _parsed(request, context, type, member)
        resolver = Resolver(context, context.server.store.now())
        async with time_limit(context):
            resolved = await resolver.resolve(query)
            stages = resolver.stages(resolved.types, resolved.criteria)
            return await _searchset(_Asked(resolved, path, stages), context)

    about = (_patient_of(member), context.caller.patient)

    answer = await audited(
        context,
        access,
        work,
        lambda made: (*made.patients, *about),
        lambda made: {"": made.labels},
    )
    return FhirResponse(200, answer.body)


def _patient_of(member: Member | None) -> str | None:
    """The patient that the address names: BALP has such a query recorded for its chart."""
    return f"Patient/{member.id}" if member and member.name == "Patient" else None


async def _parsed(
    request: FhirRequest, context: Context, type: str | None, member: Member | None
) -> SearchQuery:
    registry = await context.server.store.parameters.refresh()
    query = parse(type, request.parameters, lenient=context.lenient, registry=registry)
    if type is None:
        query = replace(query, types=_permitted(query.types, member, context))
    return query if member is None else replace(query, criteria=(member, *query.criteria))


def _permitted(types: tuple[str, ...], member: Member | None, context: Context) -> tuple[str, ...]:
    """The types that the caller may search; named ones must all be."""
    for type in types:
        permit(context.caller, type, "search-type")
    if types:
        return types
    every = {*compartment(member.name), member.name} if member else resource_types()
    allowed = [type for type in sorted(every) if _may_search(type, context)]
    if not allowed:
        raise NotPermitted("Your token's scopes cover no search.")
    return tuple(allowed)


def _may_search(type: str, context: Context) -> bool:
    try:
        permit(context.caller, type, "search-type")
    except NotPermitted:
        return False
    return True


async def _searchset(asked: _Asked, context: Context) -> _Answer:
    query, searching = asked.query, context.server.store.searching
    head: Resource = {"type": "searchset"}
    page = Found(())
    if not query.count_only:
        page = await _page(asked, context)
    if query.count_only or query.total != "none":
        head["total"] = await searching.count(asked.stages)
    elif query.cursor is None and page.next is None:
        head["total"] = len(page.matches)  # all are on this page
    head["link"] = _links(asked, page, context)
    included = await Including(context, context.server.store.now()).included(
        page.matches, query.inclusions
    )
    part = Subset.parse(query.summary, query.elements)
    if part is not None and part.mode == "text" and query.inclusions:
        raise InvalidParameter("_summary=text goes without _include and _revinclude.")
    entries = [await _entry(one, "match", part, context) for one in page.matches]
    # _elements is about the matches; _summary is about everything (R4 3.1.1.5.9).
    whole = Subset.parse(query.summary, None)
    entries += [await _entry(one, "include", whole, context) for one in included]
    body = bundle(head, [*entries, *_ignored(query), *await _plan(asked, context)])
    shown = [one.stored for one in (*page.matches, *included)]
    mark = high_water_mark(labels_in(one.raw) for one in shown)
    return _Answer(body, tuple(one.patient for one in shown), mark)


async def _page(asked: _Asked, context: Context) -> Found:
    position: Position | None = None
    backwards = False
    if asked.query.cursor is not None:
        key = context.server.cursor_key
        position, backwards = decode_page(asked.query.cursor, _scope(asked), key)
    return await context.server.store.searching.page(
        asked.stages,
        asked.query.sort,
        count=page_size(asked.query.count, context.server.settings),
        at=position,
        backwards=backwards,
        session=context.unit.session if context.unit is not None else None,
    )


def _scope(asked: _Asked) -> str:
    return f"{asked.path}?{urlencode(asked.query.used)}"


def _links(asked: _Asked, page: Found, context: Context) -> list[dict[str, str]]:
    key, scope = context.server.cursor_key, _scope(asked)
    links = [_link("self", asked, context, asked.query.cursor)]
    if asked.query.cursor is not None or page.next is not None:
        links.append(_link("first", asked, context, None))
    if page.previous is not None:
        cursor = encode_page(page.previous, scope, key, backwards=True)
        links.append(_link("previous", asked, context, cursor))
    if page.next is not None:
        links.append(_link("next", asked, context, encode_page(page.next, scope, key)))
    return links


def _link(relation: str, asked: _Asked, context: Context, cursor: str | None) -> dict[str, str]:
    pairs = [*asked.query.used, *([(CURSOR, cursor)] if cursor else [])]
    suffix = f"?{urlencode(pairs)}" if pairs else ""
    path = f"/{asked.path}" if asked.path else ""
    return {"relation": relation, "url": f"{context.base}{path}{suffix}"}


async def _entry(match: Match, mode: str, part: Subset | None, context: Context) -> Entry:
    stored = match.stored
    members = {"fullUrl": f"{context.base}/{stored.reference}", "search": {"mode": mode}}
    return members, await body_of(stored, context, part)


def _ignored(query: SearchQuery) -> list[Entry]:
    if not query.ignored:
        return []
    text = f"Left out: {', '.join(query.ignored)}."
    return [_outcome((Issue("not-supported", text, severity="warning"),))]


async def _plan(asked: _Asked, context: Context) -> list[Entry]:
    if not asked.query.explain:
        return []
    # Without what the caller's limits add: it would name the patients whose directives they are.
    types, criteria = asked.query.types, asked.query.criteria
    own = await visible(context, types, "s", criteria)
    resolver = Resolver(context, context.server.store.now())
    shown = resolver.stages(types, criteria[: len(criteria) - len(own)])
    return [_outcome(await explained(shown, asked.query, context))]


def _outcome(issues: Sequence[Issue]) -> Entry:
    return {"search": {"mode": "outcome"}}, dumps(operation_outcome(tuple(issues)))
