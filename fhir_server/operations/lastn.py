"""Observation/$lastn: the last observations of each kind.

https://hl7.org/fhir/R4/observation-operation-lastn.html
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from fhir_server.auth.access import permit
from fhir_server.dates import range_of
from fhir_server.errors import InvalidParameter, NotSupported, TooCostly
from fhir_server.interactions.bundle import bundle
from fhir_server.interactions.context import Context, FhirResponse, Parameters
from fhir_server.interactions.read import body_of
from fhir_server.interactions.resolving import Resolver
from fhir_server.operations.request import OperationRequest
from fhir_server.resource import Resource
from fhir_server.search.criteria import SortKey
from fhir_server.search.query import parse
from fhir_server.search.result_parameters import RESULT_PARAMETERS
from fhir_server.store import StoredResource
from fhir_server.store.searching import Position

LIMIT = 10_000
"""Most observations looked through: every one is, as the last of a rare kind may be old."""

_TYPE = "Observation"
_AT_ONCE = 500
_NEWEST_FIRST = (SortKey("date", descending=True),)
_EFFECTIVE = {
    "effectiveDateTime": "dateTime",
    "effectivePeriod": "Period",
    "effectiveTiming": "Timing",
    "effectiveInstant": "instant",
}


@dataclass
class _Kind:
    """Observations of codes that are equal, directly or by way of translations."""

    codes: set[Hashable] = field(default_factory=set)
    places: list[int] = field(default_factory=list)


async def lastn(request: OperationRequest, context: Context) -> FhirResponse:
    """Answer for each code the `max` newest observations (one without `max`), newest first.

    All those of equal effective time as the last are among them.
    """
    permit(context.caller, _TYPE, "search-type")
    count = request.parameters.positive("max") or 1
    found = await _observations(_criteria(request), context)
    resources = [stored.resource() for stored in found]
    chosen = sorted(place for kind in kinds(resources) for place in _last(kind, resources, count))
    head: Resource = {
        "type": "searchset",
        "total": len(chosen),
        "link": [{"relation": "self", "url": f"{context.base}/{request.query}"}],
    }
    shown = [found[place] for place in chosen]
    body = bundle(head, [await _entry(one, context) for one in shown])
    return FhirResponse(200, body, patients=tuple(one.patient for one in shown))


async def _entry(stored: StoredResource, context: Context) -> tuple[Resource, bytes]:
    members = {"fullUrl": f"{context.base}/{stored.reference}", "search": {"mode": "match"}}
    return members, await body_of(stored, context)


def _criteria(request: OperationRequest) -> Parameters:
    given = request.parameters.without({"max"})
    pairs = given.pairs()
    plain = {name.partition(":")[0].partition(".")[0] for name, _ in pairs}
    refused = (plain & set(RESULT_PARAMETERS)) | (given.names - {name for name, _ in pairs})
    if refused:
        raise NotSupported(f"$lastn does not take {', '.join(sorted(refused))[:200]}.")
    if not plain & {"patient", "subject"}:
        raise InvalidParameter("$lastn needs patient or subject.")
    if "category" not in plain and not any("code" in name.split("-") for name in plain):
        raise InvalidParameter("$lastn needs category, or a parameter that holds a code.")
    return pairs


async def _observations(criteria: Parameters, context: Context) -> list[StoredResource]:
    """All that match, newest effective first, those without a time last."""
    store = context.server.store
    resolver = Resolver(context, store.now())
    query = await resolver.resolve(parse(_TYPE, criteria, registry=store.registry))
    stages = resolver.stages(query.types, query.criteria)
    found: list[StoredResource] = []
    at: Position | None = None
    while True:
        page = await store.searching.page(
            stages,
            _NEWEST_FIRST,
            count=_AT_ONCE,
            at=at,
            session=context.unit.session if context.unit is not None else None,
        )
        found += [match.stored for match in page.matches]
        if len(found) > LIMIT:
            raise TooCostly(f"Over {LIMIT} observations match; narrow them by code or date.")
        if page.next is None:
            return found
        at = page.next


def kinds(observations: Sequence[Resource]) -> list[_Kind]:
    """The places of observations, grouped by code; equality goes on through translations."""
    by_code: dict[Hashable, _Kind] = {}
    for place, one in enumerate(observations):
        own = set(_codes(one)) or {place}  # without any code it is of no other's kind
        joined = _Kind(own, [place])
        for kind in {id(by_code[code]): by_code[code] for code in own if code in by_code}.values():
            joined.codes |= kind.codes
            joined.places += kind.places
        by_code.update(dict.fromkeys(joined.codes, joined))
    return list({id(kind): kind for kind in by_code.values()}.values())


def _codes(observation: Resource) -> Iterator[Hashable]:
    code = observation.get("code", {})
    codings = [one for one in code.get("coding", ()) if "code" in one]
    yield from ((one.get("system"), one["code"]) for one in codings)
    if not codings and "text" in code:
        yield code["text"]


def _last(kind: _Kind, observations: Sequence[Resource], count: int) -> list[int]:
    places = sorted(kind.places)
    kept = places[:count]
    last = _effective(observations[kept[-1]])
    ties = (place for place in places[count:] if last is not None)
    return kept + [place for place in ties if _effective(observations[place]) == last]


def _effective(observation: Resource) -> datetime | None:
    for name, type in _EFFECTIVE.items():
        if name in observation:
            found = range_of(type, observation[name])
            return found[0] if found else None
    return None
