"""Everything that GET [base]/metadata states is asked for: R4 3.1.0.10, capabilities.

A request states nothing but its form here: it has to be understood, not to find something.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from itertools import islice
from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest
import pytest_asyncio

from tests.conformance.asking import Json

pytestmark = pytest.mark.timeout(400)  # hundreds of requests in each test

PARTS = 6
AT_ONCE = 16
AUDITED = "AuditEvent"
"""For auditors only, which the caller of these tests is not."""
INCLUDES_A_REQUEST = 60
PARAMETERS_A_REQUEST = 4

VALUES: dict[str, tuple[str, ...]] = {
    "token": ("x", "http://acme.org/s|x", "|x", "http://acme.org/s|"),
    "reference": ("http://acme.org/fhir/Patient/x", "x"),
    "uri": ("http://acme.org/x",),
    "date": ("2024-01-01", "ge2024", "sa2024-01-01T10:00:00Z"),
    "string": ("x",),
    "quantity": ("5", "gt5.4|http://unitsofmeasure.org|mg", "5||mg"),
    "number": ("5", "le0.5"),
}
MODIFIERS: dict[str, tuple[str, ...]] = {
    "token": ("missing=false", "not=x", "text=x"),
    "reference": ("missing=true", "identifier=urn:x|1"),
    "uri": ("missing=true", "below=http://acme.org", "above=http://acme.org/a/b"),
    "date": ("missing=false",),
    "string": ("missing=true", "exact=x", "contains=x"),
    "quantity": ("missing=true",),
    "number": ("missing=false",),
    "composite": (),
    "special": (),
}
OF_ONE_PARAMETER: dict[str, tuple[str, ...]] = {
    "near": ("42.25|-83.69|11|km",),
    "relationship": ("DocumentReference/x$replaces",),
    "characteristic-value": ("gender$mixed",),
    "context-type-quantity": ("focus$5",),
    "context-type-value": ("focus$x",),
    "chromosome-variant-coordinate": ("1$lt345$gt123",),
    "chromosome-window-coordinate": ("1$lt345$gt123",),
    "referenceseqid-variant-coordinate": ("NC_1$lt345$gt123",),
    "referenceseqid-window-coordinate": ("NC_1$lt345$gt123",),
    "code-value-date": ("x$2024",),
    "code-value-quantity": ("x$5",),
    "code-value-string": ("x$y",),
    "code-value-concept": ("x$y",),
    "combo-code-value-concept": ("x$y",),
    "combo-code-value-quantity": ("x$5",),
    "component-code-value-concept": ("x$y",),
    "component-code-value-quantity": ("x$5",),
    "_id": ("x",),
    "_lastUpdated": ("2024", "ge2024-01-01T00:00:00Z"),
    "phonetic": ("smith",),
}
WITHOUT_MODIFIERS = ("_id", "_lastUpdated", "phonetic")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def rest(fhir: httpx2.AsyncClient) -> Json:
    stated: Json = (await fhir.get("/fhir/metadata")).json()["rest"][0]
    stated["resource"] = [one for one in stated["resource"] if one["type"] != AUDITED]
    for one in stated["resource"]:
        # Where a type has no mandatory element there is something to find.
        await fhir.put(f"/fhir/{one['type']}/x", json={"resourceType": one["type"], "id": "x"})
    return stated


async def at_once(tasks: Iterable[Awaitable[str | None]]) -> list[str]:
    """Run all, some at a time; what is wrong with those that failed."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def run(task: Awaitable[str | None]) -> str | None:
        async with gate:
            return await task

    return [one for one in await asyncio.gather(*map(run, tasks)) if one]


def query(name: str, kind: str) -> str:
    """All forms of one parameter in one request: each is understood or the whole is refused."""
    values = OF_ONE_PARAMETER.get(name) or VALUES[kind]
    modified = () if name in WITHOUT_MODIFIERS else MODIFIERS[kind]
    return "&".join(
        [*(urlencode({name: value}) for value in values), *(f"{name}:{one}" for one in modified)]
    )


async def searched(fhir: httpx2.AsyncClient, path: str) -> str | None:
    answer = await fhir.get(f"/fhir{path}")
    if answer.status_code != 200:
        return f"{path}: {answer.status_code} {answer.text[:200]}"
    body = answer.json()
    if (body["resourceType"], body["type"]) != ("Bundle", "searchset"):
        return f"{path}: no searchset"
    return None


def batches(values: list[str], size: int) -> Iterable[list[str]]:
    left = iter(values)
    while some := list(islice(left, size)):
        yield some


def part_of(rest: Json, part: int) -> list[Json]:
    found: list[Json] = rest["resource"][part::PARTS]
    return found


Ask = Callable[[httpx2.AsyncClient, str], Awaitable[httpx2.Response]]


def _json(method: str, path: str, **body: Any) -> Ask:
    async def ask(fhir: httpx2.AsyncClient, type: str) -> httpx2.Response:
        sent = {"resourceType": type, **body}
        return await fhir.request(method, f"/fhir/{type}{path}", json=sent)

    return ask


def _plain(method: str, path: str) -> Ask:
    async def ask(fhir: httpx2.AsyncClient, type: str) -> httpx2.Response:
        return await fhir.request(method, f"/fhir/{type}{path}")

    return ask


async def _patched(fhir: httpx2.AsyncClient, type: str) -> httpx2.Response:
    return await fhir.patch(
        f"/fhir/{type}/nobody",
        json=[{"op": "add", "path": "/language", "value": "en"}],
        headers={"Content-Type": "application/json-patch+json"},
    )


# What may come back: a resource without its mandatory elements is refused by 422 or 400, what is
# not there by 404. What no interaction stated may answer is 405, 501 or 5xx.
INTERACTIONS: dict[str, tuple[Ask, tuple[int, ...]]] = {
    "create": (_json("POST", ""), (201, 400, 422)),
    "update": (_json("PUT", "/y", id="y"), (200, 201, 400, 422)),
    "patch": (_patched, (404,)),
    "read": (_plain("GET", "/nobody"), (404,)),
    "vread": (_plain("GET", "/nobody/_history/1"), (404,)),
    "delete": (_plain("DELETE", "/nobody"), (200, 204)),
    "history-instance": (_plain("GET", "/nobody/_history"), (404,)),
    "history-type": (_plain("GET", "/_history"), (200,)),
    "search-type": (_plain("GET", ""), (200,)),
}


@pytest.mark.parametrize("code", INTERACTIONS)
async def test_interactions(fhir: httpx2.AsyncClient, rest: Json, code: str) -> None:
    ask, statuses = INTERACTIONS[code]

    async def asked(type: str) -> str | None:
        answer = await ask(fhir, type)
        return None if answer.status_code in statuses else f"{type}: {answer.status_code}"

    types = [
        one["type"]
        for one in rest["resource"]
        if code in [stated["code"] for stated in one["interaction"]]
    ]
    assert types
    assert await at_once(asked(type) for type in types) == []


async def test_no_other_interactions_are_stated(rest: Json) -> None:
    stated = {code["code"] for one in rest["resource"] for code in one["interaction"]}
    assert stated <= set(INTERACTIONS)


async def test_conditional_interactions(fhir: httpx2.AsyncClient, rest: Json) -> None:
    """conditionalCreate, conditionalUpdate, conditionalDelete and conditionalRead."""

    async def asked(one: Json) -> str | None:
        type = one["type"]
        body = {"resourceType": type}
        wrong = []
        if one.get("conditionalCreate"):
            answer = await fhir.post(f"/fhir/{type}", json=body, headers={"If-None-Exist": "_id=x"})
            wrong += [answer] if answer.status_code not in (200, 201, 400, 422) else []
        if one.get("conditionalUpdate"):
            answer = await fhir.put(f"/fhir/{type}?_id=nobody", json=body)
            wrong += [answer] if answer.status_code not in (200, 201, 400, 422) else []
        if one.get("conditionalDelete", "not-supported") != "not-supported":
            answer = await fhir.delete(f"/fhir/{type}?_id=nobody")
            wrong += [answer] if answer.status_code not in (200, 204) else []
        return f"{type}: {[answer.status_code for answer in wrong]}" if wrong else None

    assert await at_once(asked(one) for one in rest["resource"]) == []


def _parameters(*parameters: Json) -> Json:
    return {"resourceType": "Parameters", "parameter": list(parameters)}


META = {"name": "meta", "valueMeta": {"tag": [{"system": "urn:t", "code": "t"}]}}
PATIENT = {"name": "resource", "resource": {"resourceType": "Patient"}}


async def operated(fhir: httpx2.AsyncClient, name: str, type: str) -> str | None:
    """A plausible request for an operation on a type or one of its instances."""
    path = f"/fhir/{type}"
    if name == "validate":
        answer = await fhir.post(f"{path}/$validate", json={"resourceType": type})
    elif name == "meta":
        answer = await fhir.get(f"{path}/$meta")
    elif name in ("meta-add", "meta-delete"):
        await fhir.put(f"{path}/x", json={"resourceType": type, "id": "x"})
        answer = await fhir.post(f"{path}/x/${name}", json=_parameters(META))
    elif name == "lastn":
        answer = await fhir.get(f"{path}/$lastn?patient=Patient/x&category=vital-signs")
    else:
        answer = await fhir.get(f"{path}/x/${name}")
    # The instance is there only where a type has no mandatory elements: 404 otherwise.
    fine = answer.status_code == 200 or (
        answer.status_code == 404
        and name not in ("validate", "meta", "lastn")
        and answer.json()["issue"][0]["code"] == "not-found"
        and (await fhir.get(f"{path}/x")).status_code == 404
    )
    return None if fine else f"{type}/${name}: {answer.status_code} {answer.text[:200]}"


async def test_operations(fhir: httpx2.AsyncClient, rest: Json) -> None:
    stated = [
        (operation["name"], one["type"])
        for one in rest["resource"]
        for operation in one.get("operation", ())
    ]
    assert len(stated) > len(rest["resource"])
    assert await at_once(operated(fhir, name, type) for name, type in stated) == []


async def test_operation_definitions_are_canonicals(rest: Json) -> None:
    for one in [rest, *rest["resource"]]:
        for operation in one.get("operation", ()):
            assert ":" in operation["definition"], "a canonical is an absolute URI"
            assert not operation["name"].startswith("$")


async def test_of_the_system(fhir: httpx2.AsyncClient, rest: Json) -> None:
    codes = {one["code"] for one in rest["interaction"]}
    bundle: Json = {"resourceType": "Bundle", "type": ""}
    answers = {
        "search-system": await fhir.get("/fhir?_type=Patient"),
        "transaction": await fhir.post("/fhir", json={**bundle, "type": "transaction"}),
        "batch": await fhir.post("/fhir", json={**bundle, "type": "batch"}),
        "history-system": await fhir.get("/fhir/_history"),
    }
    assert codes <= set(answers)
    for code in codes - {"history-system"}:
        assert answers[code].status_code == 200, code
    # Of the whole system's history only who may see all of it is told.
    assert answers["history-system"].status_code in (200, 403)


async def test_compartments(fhir: httpx2.AsyncClient, rest: Json) -> None:
    for url in rest["compartment"]:
        name = url.rsplit("/", 1)[-1]
        type = {"relatedperson": "RelatedPerson"}.get(name, name.capitalize())
        assert await searched(fhir, f"/{type}/x/*") is None
        assert await searched(fhir, f"/{type}/x/Observation") is None


@pytest.mark.parametrize("part", range(PARTS))
async def test_search_parameters(fhir: httpx2.AsyncClient, rest: Json, part: int) -> None:
    """Several in one request, as above: each is understood or the whole is refused."""
    asked = {
        one["type"]: [query(stated["name"], stated["type"]) for stated in one["searchParam"]]
        for one in part_of(rest, part)
    }
    assert sum(map(len, asked.values())) > 300
    paths = [
        f"/{type}?{'&'.join(some)}"
        for type, queries in asked.items()
        for some in batches(queries, PARAMETERS_A_REQUEST)
    ]
    assert await at_once(searched(fhir, path) for path in paths) == []


async def test_search_parameters_of_the_system(fhir: httpx2.AsyncClient, rest: Json) -> None:
    paths = [f"?{query(parameter['name'], parameter['type'])}" for parameter in rest["searchParam"]]
    assert await at_once(searched(fhir, path) for path in paths) == []


@pytest.mark.parametrize("name", ["_include", "_revinclude"])
@pytest.mark.parametrize("part", range(PARTS))
async def test_includes(fhir: httpx2.AsyncClient, rest: Json, name: str, part: int) -> None:
    """Several in one request: each is understood or the whole is refused."""
    member = "searchInclude" if name == "_include" else "searchRevInclude"
    paths = [
        f"/{one['type']}?{urlencode([('_id', 'nobody'), *((name, value) for value in some)])}"
        for one in part_of(rest, part)
        for some in batches(one[member], INCLUDES_A_REQUEST)
    ]
    assert paths
    assert await at_once(searched(fhir, path) for path in paths) == []
