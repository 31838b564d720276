"""What a search finds is what reads allow, for random directives, scopes, roles and labels."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import httpx2
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fhir_server.server import FhirServer
from tests.conformance.access.world import WORLD, World, consent, full
from tests.conformance.asking import Json, address

TYPES = "http://hl7.org/fhir/resource-types"
ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
LEVELS = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
ICD = "http://hl7.org/fhir/sid/icd-10-cm"
SEARCHED = ("Patient", "Observation", "Condition", "Encounter", "Binary")
ROWS = [one for one in map(full, WORLD["resources"]) if one["resourceType"] in SEARCHED]
PATIENTS = ("p1", "p2", "p3", "p4", "p5")


def some(values: list[Json]) -> st.SearchStrategy[list[Json]]:
    return st.lists(st.sampled_from(values), max_size=1)


def actor(reference: Json) -> Json:
    return {"role": {"text": "recipient"}, "reference": reference}


PROVISION = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["deny", "deny", "permit"]),
        "actor": some(
            [actor({"reference": "Practitioner/drx"}), actor({"identifier": {"value": "app1"}})]
        ),
        "class": some([{"system": TYPES, "code": one} for one in SEARCHED]),
        "code": some([{"coding": [{"system": ICD, "code": one}]} for one in ("B20", "E11.9")]),
        "securityLabel": some(
            [{"system": ACT_CODE, "code": "PSY"}, {"system": LEVELS, "code": "R"}]
        ),
        "dataPeriod": st.sampled_from([{}, {"start": "2020-05-03"}]),
    }
).map(lambda found: {name: value for name, value in found.items() if value})
CONSENT = st.fixed_dictionaries(
    {
        "patient": st.sampled_from(PATIENTS),
        "provision": st.tuples(PROVISION, st.lists(PROVISION, max_size=2)).map(
            lambda pair: {**pair[0], **({"provision": pair[1]} if pair[1] else {})}
        ),
    }
)
SCOPES = st.lists(
    st.sampled_from(
        [
            "user/*.rs",
            "user/Patient.rs",
            "user/Observation.rs?category=laboratory",
            "user/Observation.rs?category=vital-signs",
            "user/Condition.rs?code=http://hl7.org/fhir/sid/icd-10-cm|B20",
            "user/Encounter.rs",
            "user/Binary.rs",
            "patient/*.rs",
            "patient/Observation.rs?category=laboratory",
        ]
    ),
    min_size=1,
    max_size=3,
    unique=True,
)
CALLER = st.fixed_dictionaries(
    {
        "reference": st.sampled_from(["Practitioner/drx", "Practitioner/dry", "Patient/p1"]),
        "roles": st.lists(
            st.sampled_from(["clinician", "nurse", "biller", "admin", "patient"]), max_size=2
        ),
        "scope": SCOPES.map(" ".join),
        "client": st.sampled_from(["app1", "app2"]),
        "patient": st.sampled_from([f"Patient/{one}" for one in PATIENTS]),
    }
)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def world(server: FhirServer) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        made = World(server, stack)
        await made.fill(directives=False)
        yield made


@pytest.mark.asyncio(loop_scope="session")
@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(st.lists(CONSENT, min_size=2, max_size=2), CALLER)
async def test_searches_find_what_reads_allow(
    world: World, consents: list[Json], caller: Json
) -> None:
    named = [consent({"id": f"r{place}", **one}) for place, one in enumerate(consents)]
    await world.put(named)
    async with world.holding(**caller) as holder:
        readable = {
            f"{one['resourceType']}/{one['id']}"
            for one in ROWS
            if await _reads(holder, f"{one['resourceType']}/{one['id']}")
        }
        for type in SEARCHED:
            await _agree(holder, type, {one for one in readable if one.startswith(f"{type}/")})
        await _brings_no_more(holder, readable)


async def _reads(holder: httpx2.AsyncClient, reference: str) -> bool:
    answer = await holder.get(f"/fhir/{reference}")
    assert answer.status_code in (200, 403, 404)
    return answer.status_code == 200


async def _agree(holder: httpx2.AsyncClient, type: str, readable: set[str]) -> None:
    found = await holder.get(address(f"{type}?_count=100&_total=accurate"))
    if found.status_code == 403:
        assert not readable
        return
    assert _in(found) == readable
    assert found.json()["total"] == len(readable)
    counted = await holder.get(address(f"{type}?_summary=count"))
    assert counted.json()["total"] == len(readable)
    versions = await holder.get(address(f"{type}/_history?_count=100"))
    assert _in(versions) == readable


async def _brings_no_more(holder: httpx2.AsyncClient, readable: set[str]) -> None:
    for query in (
        "Observation?_include=*",
        "Encounter?_include=Encounter:subject",
        "Patient?_revinclude=Observation:subject&_revinclude=Condition:subject",
        "Patient?_has:Condition:patient:code=B20&_revinclude=*",
    ):
        answer = await holder.get(address(query))
        if answer.status_code != 403:
            listed = {f"{one['resourceType']}/{one['id']}" for one in ROWS}
            assert _in(answer) & listed <= readable, query


def _in(answer: httpx2.Response) -> set[str]:
    assert answer.status_code == 200, answer.text
    listed = [one["resource"] for one in answer.json().get("entry", ())]
    return {f"{one['resourceType']}/{one['id']}" for one in listed}
