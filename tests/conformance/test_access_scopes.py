"""Scopes on every interaction: whoever holds one sees a server that has the rest not at all.

http://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html, requirements 119 to 140.
Each search is put twice: with a narrow token, and with a wide one to a server that only has what
the narrow one may see. The answers are the same.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import httpx2
import pytest
import pytest_asyncio
from fastapi import FastAPI

from fhir_server import app as fhir_app
from fhir_server.clock import random_id, system_clock
from fhir_server.server import FhirServer, open_fhir_server
from fhir_server.settings import FhirSettings
from fhir_server.store.accounts import Account
from fhir_server.store.connection import Database
from tests.conformance.asking import (
    LOINC,
    Json,
    address,
    coded,
    coding,
    entries,
    refused,
    resource,
    to,
)

CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
SECRET = {"security": [coding("http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "V")]}
AMBULATORY = coding("http://terminology.hl7.org/CodeSystem/v3-ActCode", "AMB")


def seen(id: str, patient: str, category: str, **more: Json) -> Json:
    kind = [coded(CATEGORY, category)]
    return resource(
        "Observation",
        id,
        status="final",
        code=coded(LOINC, "8867-4"),
        category=kind,
        subject=to(f"Patient/{patient}"),
        encounter=to(f"Encounter/{patient}-visit"),
        performer=[to("Practitioner/doc")],
        **more,
    )


def visit(patient: str) -> Json:
    return resource(
        "Encounter",
        f"{patient}-visit",
        status="finished",
        subject=to(f"Patient/{patient}"),
        **{"class": AMBULATORY},
    )


DATA = [
    resource("Practitioner", "doc", name=[{"family": "Doc"}]),
    resource("Organization", "ward", name="Ward"),
    resource(
        "Patient", "a", name=[{"family": "Able"}], managingOrganization=to("Organization/ward")
    ),
    resource(
        "Patient", "b", name=[{"family": "Baker"}], generalPractitioner=[to("Practitioner/doc")]
    ),
    visit("a"),
    visit("b"),
    seen("a-lab", "a", "laboratory"),
    seen("a-vital", "a", "vital-signs"),
    seen("b-lab", "b", "laboratory"),
    seen("b-secret", "b", "laboratory", meta=SECRET),
    resource("Condition", "a-ill", subject=to("Patient/a"), code={"text": "flu"}),
    resource("Condition", "b-ill", subject=to("Patient/b"), code={"text": "flu"}),
    resource(
        "List", "mine", status="current", mode="working", entry=[{"item": to("Observation/b-lab")}]
    ),
]
QUERIES = [
    "Patient",
    "Patient?name=a,b&_sort=name&_total=accurate",
    "Patient?_summary=count",
    "Observation?_summary=count",
    "Observation?_sort=-date&_total=accurate",
    "Observation?category=laboratory",
    "Observation?category:not=laboratory&_total=accurate",
    "Observation?subject:missing=false&_total=accurate",
    "Observation?subject=Patient/b&_total=accurate",
    "Observation?patient.name=baker&_total=accurate",
    "Observation?encounter.patient.family=able",
    "Observation?performer:Practitioner.family=doc&_include=Observation:performer",
    "Observation?_id=a-lab,b-lab,b-secret",
    "Observation?_security=V",
    "Observation?_lastUpdated=gt2000-01-01&_total=accurate",
    "Observation?_include=*",
    "Observation?_include=Observation:subject&_include:iterate=Patient:organization",
    "Observation?_list=mine",
    "Observation?_filter=category eq laboratory or subject eq Patient/b",
    "Patient?_has:Observation:patient:category=vital-signs",
    "Patient?_has:Observation:patient:category=laboratory",
    "Patient?_revinclude=Observation:subject&_revinclude=Condition:subject",
    "Patient?_revinclude=*",
    "Patient/b/Observation",
    "Patient/a/*?_total=accurate",
    "Condition?code:text=flu&_total=accurate",
    "Condition?patient._has:Observation:patient:category=laboratory",
    "Encounter?subject.name=baker",
    "Practitioner?_revinclude=Observation:performer",
    "Organization?_has:Patient:organization:name=able",
    "?_type=Patient,Observation&_total=accurate",
    "?_lastUpdated=gt2000-01-01&_total=accurate",
    "Patient/a/$everything",
    "Patient/b/$everything",
    "Observation/$lastn?patient=Patient/b&category=laboratory",
]
Rule = Callable[[Json], bool]


def of(id: str) -> Rule:
    return lambda one: (
        one["id"].startswith(id) or one["resourceType"] in ("Practitioner", "Organization")
    )


def in_category(one: Json, code: str) -> bool:
    return code in str(one.get("category"))


TOKENS: dict[str, tuple[str, str | None, Rule]] = {
    "patient": ("patient/*.rs", "Patient/a", of("a")),
    "labs": (
        "user/Observation.rs?category=laboratory user/Patient.rs",
        None,
        lambda one: (
            one["resourceType"] == "Patient"
            or (one["resourceType"] == "Observation" and in_category(one, "laboratory"))
        ),
    ),
    "labs of one": (
        "patient/Observation.rs?category=laboratory patient/Patient.rs",
        "Patient/b",
        lambda one: (
            one == DATA[3] or (one["id"].startswith("b-") and in_category(one, "laboratory"))
        ),
    ),
    "two categories": (
        "user/Observation.rs?category=laboratory user/Observation.rs?category=vital-signs",
        None,
        lambda one: one["resourceType"] == "Observation",
    ),
    "version 1": (
        "user/Patient.read user/Encounter.read",
        None,
        lambda one: one["resourceType"] in ("Patient", "Encounter"),
    ),
    "everything": ("user/*.cruds", None, lambda one: True),
}
World = tuple[httpx2.AsyncClient, httpx2.AsyncClient]
Worlds = Callable[[str], Awaitable[World]]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def worlds(database: Database) -> AsyncIterator[Worlds]:
    """By the name of a token: a client that holds it, and one in the world that it shows."""
    async with AsyncExitStack() as stack:
        whole = await opened(database, stack)
        await write(whole, DATA)
        made: dict[str, World] = {}

        async def world(name: str) -> World:
            if name not in made:
                scope, patient, rule = TOKENS[name]
                part = await opened(database.client[f"test_{uuid.uuid4().hex}"], stack)
                await write(part, [one for one in DATA if rule(one) and not hidden(one)])
                types = " ".join(one.partition("?")[0] for one in scope.split())
                wide = types.replace("patient/", "user/")
                made[name] = (
                    await client(whole, scope, patient, stack),
                    await client(part, wide, None, stack),
                )
            return made[name]

        yield world


def hidden(one: Json) -> bool:
    return one.get("meta") == SECRET


async def opened(database: Database, stack: AsyncExitStack) -> FhirServer:
    server = await open_fhir_server(
        database,
        FhirSettings(),
        clock=system_clock,
        ids=random_id,
        secret=lambda: secrets.token_urlsafe(32),
    )
    stack.push_async_callback(server.aclose)
    return server


async def write(server: FhirServer, resources: list[Json]) -> None:
    async with AsyncExitStack() as stack:
        writer = await client(server, "system/*.cruds", None, stack, roles=())
        for one in resources:
            answer = await writer.put(f"/fhir/{one['resourceType']}/{one['id']}", json=one)
            assert answer.status_code == 201, answer.text


async def client(
    server: FhirServer,
    scope: str,
    patient: str | None,
    stack: AsyncExitStack,
    roles: tuple[str, ...] = ("clinician",),
) -> httpx2.AsyncClient:
    account = Account("u", "", "Practitioner/doc", "Doc", roles, scope)
    token = await server.authenticator.issue_for(
        account, scope=scope, lifetime=600, client="app", patient=patient
    )
    app = FastAPI(openapi_url=None, redirect_slashes=False)
    fhir_app.mount(app, random_id)
    app.state.fhir = server
    return await stack.enter_async_context(
        httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=app, raise_app_exceptions=False),
            base_url="http://test",
            headers={"Authorization": f"Bearer {token.access_token}"},
        )
    )


def shown(answer: httpx2.Response) -> tuple[int, object, object]:
    """What an answer tells: its status, the total, and who is in it how."""
    if answer.status_code != 200:
        return answer.status_code, None, None
    body = answer.json()
    found = sorted(
        (entry["search"]["mode"], entry["resource"]["resourceType"], entry["resource"]["id"])
        for entry in body.get("entry", [])
    )
    return 200, body.get("total"), found


@pytest.mark.parametrize("name", TOKENS)
async def test_search_tells_of_no_more(worlds: Worlds, name: str) -> None:
    narrow, wide = await worlds(name)
    for query in QUERIES:
        got, wanted = await narrow.get(address(query)), await wide.get(address(query))
        assert shown(got) == shown(wanted), query


@pytest.mark.parametrize("name", TOKENS)
async def test_reading_and_searching_agree(worlds: Worlds, name: str) -> None:
    narrow, _ = await worlds(name)
    for one in DATA:
        type, id = one["resourceType"], one["id"]
        answer = await narrow.get(f"/fhir/{type}?_id={id}")
        there = answer.status_code == 200 and bool(entries(answer.json()))
        for path in (f"{type}/{id}", f"{type}/{id}/_history/1", f"{type}/{id}/_history"):
            answer = await narrow.get(f"/fhir/{path}")
            assert (answer.status_code == 200) is there, (path, answer.status_code)
            if not there:
                refused(answer, 403, 404)


@pytest.mark.parametrize(
    ("scope", "method", "path", "body", "allowed"),
    [
        ("user/Condition.c", "POST", "Condition", 10, True),
        ("user/Condition.rs", "POST", "Condition", 10, False),
        ("user/Condition.u", "PUT", "Condition/a-ill", 10, True),
        ("user/Condition.c", "PUT", "Condition/a-ill", 10, False),
        ("user/Condition.r", "GET", "Condition/a-ill", None, True),
        ("user/Condition.s", "GET", "Condition/a-ill", None, False),
        ("user/Condition.s", "GET", "Condition", None, True),
        ("user/Condition.r", "GET", "Condition", None, False),
        ("user/Condition.r", "GET", "Condition/a-ill/_history", None, True),
        ("user/Condition.r", "GET", "Condition/a-ill/_history/1", None, True),
        ("user/Condition.s", "GET", "Condition/_history", None, True),
        ("user/Condition.r", "GET", "Condition/_history", None, False),
        ("user/Condition.crus", "DELETE", "Condition/none", None, False),
        ("user/Condition.d", "DELETE", "Condition/none", None, True),
        ("patient/Condition.c", "POST", "Condition", 10, True),
        ("patient/Condition.c", "POST", "Condition", 11, False),
        ("patient/Condition.u", "PUT", "Condition/b-ill", 11, False),
        ("patient/Condition.u", "PUT", "Condition/b-ill", 10, False),
        ("user/Observation.c?category=vital-signs", "POST", "Observation", 7, True),
        ("user/Observation.c?category=vital-signs", "POST", "Observation", 6, False),
        ("openid fhirUser launch", "GET", "Patient/a", None, False),
    ],
)
async def test_letters(
    worlds: Worlds,
    database: Database,
    scope: str,
    method: str,
    path: str,
    body: int | None,
    allowed: bool,
) -> None:
    await worlds("everything")
    async with AsyncExitStack() as stack:
        server = await opened(database, stack)
        holder = await client(server, scope, "Patient/a", stack)
        sent = None if body is None else {**DATA[body], "id": path.partition("/")[2] or "new"}
        answer = await holder.request(method, f"/fhir/{path}", json=sent)
        if allowed:
            assert answer.status_code < 300, answer.text
        else:
            refused(answer, 403)


async def test_entries_of_a_batch_one_by_one(worlds: Worlds) -> None:
    narrow, _ = await worlds("version 1")
    gets = [{"request": {"method": "GET", "url": url}} for url in ("Patient/a", "Condition/a-ill")]
    bundle = {"resourceType": "Bundle", "type": "batch", "entry": gets}
    answer = (await narrow.post("/fhir", json=bundle)).json()
    assert [one["response"]["status"] for one in answer["entry"]] == ["200", "403"]
    refused(await narrow.post("/fhir", json={**bundle, "type": "transaction"}), 403)


async def test_roles_narrow_a_token(database: Database, worlds: Worlds) -> None:
    await worlds("everything")
    async with AsyncExitStack() as stack:
        server = await opened(database, stack)
        biller = await client(server, "user/*.cruds", None, stack, roles=("biller",))
        assert (await biller.get("/fhir/Patient/a")).status_code == 200
        refused(await biller.get("/fhir/Observation/a-lab"), 403)
        refused(await biller.get("/fhir/Observation?patient=Patient/a"), 403)
        breaking = await client(
            server, "user/*.rs", None, stack, roles=("clinician", "break-glass")
        )
        assert (await breaking.get("/fhir/Observation/b-secret")).status_code == 200
