"""Search over HTTP. https://hl7.org/fhir/R4/search.html"""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
import pytest_asyncio

LOINC = "http://loinc.org"

RESOURCES: list[dict[str, Any]] = [
    {
        "resourceType": "Patient",
        "id": "anna",
        "identifier": [{"system": "urn:mrn", "value": "1,1"}],
        "name": [{"family": "Müller", "given": ["Anna", "Maria"]}],
        "gender": "female",
        "birthDate": "1980-02-29",
    },
    {
        "resourceType": "Patient",
        "id": "bob",
        "identifier": [{"value": "2"}],
        "name": [{"family": "Muldoon", "given": ["Bob"]}],
        "gender": "male",
        "birthDate": "1991",
        "deceasedBoolean": True,
    },
    {
        "resourceType": "Observation",
        "id": "o1",
        "status": "final",
        "code": {"coding": [{"system": LOINC, "code": "8867-4"}]},
        "subject": {"reference": "Patient/anna"},
        "effectiveDateTime": "2026-03-01T10:00:00+02:00",
    },
    {
        "resourceType": "Observation",
        "id": "o2",
        "status": "preliminary",
        "code": {"coding": [{"system": "urn:local", "code": "8867-4"}]},
        "subject": {"reference": "Patient/bob"},
        "effectivePeriod": {"start": "2026-03-05"},
    },
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def filled(fhir: httpx2.AsyncClient) -> httpx2.AsyncClient:
    for resource in RESOURCES:
        address = f"/fhir/{resource['resourceType']}/{resource['id']}"
        assert (await fhir.put(address, json=resource)).status_code == 201
    return fhir


async def found(client: httpx2.AsyncClient, query: str) -> set[str]:
    answer = await client.get(f"/fhir/{query}")
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["type"] == "searchset"
    return {entry["resource"]["id"] for entry in body.get("entry", [])}


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("Patient", {"anna", "bob"}),
        ("Patient?_id=anna", {"anna"}),
        ("Patient?_id=anna,bob", {"anna", "bob"}),
        ("Patient?family=mul", {"anna", "bob"}),
        ("Patient?family=MULLER", {"anna"}),
        ("Patient?family:exact=Müller", {"anna"}),
        ("Patient?family:exact=müller", set()),
        ("Patient?given=maria&family=m", {"anna"}),
        ("Patient?name=anna,bob", {"anna", "bob"}),
        ("Patient?name=anna&name=bob", set()),
        ("Patient?gender=female", {"anna"}),
        ("Patient?gender:not=female", {"bob"}),
        ("Patient?identifier=urn:mrn|1\\,1", {"anna"}),
        ("Patient?identifier=urn:mrn|", {"anna"}),
        ("Patient?identifier=|2", {"bob"}),
        ("Patient?identifier=2", {"bob"}),
        ("Patient?identifier=|1\\,1", set()),
        ("Patient?birthdate=1980", {"anna"}),
        ("Patient?birthdate=1980-02-29", {"anna"}),
        ("Patient?birthdate=ne1980", {"bob"}),
        ("Patient?birthdate=gt1985", {"bob"}),
        ("Patient?birthdate=ge1980-02-29", {"anna", "bob"}),
        ("Patient?birthdate=lt1991", {"anna"}),
        ("Patient?birthdate=le1991", {"anna", "bob"}),
        ("Patient?birthdate=sa1980", {"bob"}),
        ("Patient?birthdate=eb1991", {"anna"}),
        ("Patient?birthdate=1980,1991", {"anna", "bob"}),
        ("Patient?deceased=true", {"bob"}),
        ("Patient?deceased=false", {"anna"}),
        ("Patient?identifier:missing=true", set()),
        ("Patient?telecom:missing=true", {"anna", "bob"}),
        ("Patient?_lastUpdated=gt2020", {"anna", "bob"}),
        ("Patient?_lastUpdated=lt2020", set()),
        ("Observation?code=8867-4", {"o1", "o2"}),
        (f"Observation?code={LOINC}|8867-4", {"o1"}),
        ("Observation?subject=Patient/anna", {"o1"}),
        ("Observation?subject=anna", {"o1"}),
        ("Observation?patient=anna", {"o1"}),
        ("Observation?subject:Patient=bob", {"o2"}),
        ("Observation?subject=http://test/fhir/Patient/bob", {"o2"}),
        ("Observation?date=2026-03-01T08:00:00Z", {"o1"}),
        ("Observation?date=2026-03-01", {"o1"}),
        ("Observation?date=gt2026-03-02", {"o2"}),
        ("Observation?date=ge2026-03-01T10:00:00+02:00", {"o1", "o2"}),
        ("Observation?status=final&patient=anna", {"o1"}),
        ("Observation?status=final&patient=bob", set()),
    ],
)
async def test_finds(filled: httpx2.AsyncClient, query: str, ids: set[str]) -> None:
    assert await found(filled, query.replace("+", "%2B")) == ids


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("Patient?surname=x", "family"),
        ("Patient?family:above=x", "exact"),
        ("Patient?birthdate=yesterday", "prefix"),
        ("Patient?birthdate=", "no value"),
        ("Patient?general-practitioner.surname=x", "cannot be searched by surname"),
        ("Patient?_has:Observation:code:code=1", "_has knows of Observation"),
        ("Patient?_include=Patient:gender", "_include knows of Patient"),
        ("Patient?_sort=surname", "_sort does not go by surname"),
        ("Patient?_count=many", "_count"),
        ("Patient?_cursor=AAAA", "_cursor"),
        ("Observation?value-quantity=5|mg", "number|system|code"),
    ],
)
async def test_what_is_not_offered_is_refused(
    filled: httpx2.AsyncClient, query: str, words: str
) -> None:
    answer = await filled.get(f"/fhir/{query}")
    assert answer.status_code == 400
    assert words in answer.json()["issue"][0]["diagnostics"]


async def test_lenient_says_what_it_left_out(filled: httpx2.AsyncClient) -> None:
    answer = await filled.get(
        "/fhir/Patient?surname=x&gender=male", headers={"Prefer": "handling=lenient"}
    )
    body = answer.json()
    assert [entry["resource"]["id"] for entry in body["entry"][:-1]] == ["bob"]
    assert body["entry"][-1]["search"]["mode"] == "outcome"
    assert "surname" in body["entry"][-1]["resource"]["issue"][0]["diagnostics"]
    assert "surname" not in body["link"][0]["url"]


async def test_a_cursor_is_good_for_its_own_search_only(filled: httpx2.AsyncClient) -> None:
    page = (await filled.get("/fhir/Patient?_count=1")).json()
    cursor = page["link"][1]["url"].partition("_cursor=")[2]
    answer = await filled.get(f"/fhir/Observation?_count=1&_cursor={cursor}")
    assert answer.status_code == 400


async def test_post_search_and_count(filled: httpx2.AsyncClient) -> None:
    answer = await filled.post("/fhir/Patient/_search", data={"gender": "male"})
    assert [entry["resource"]["id"] for entry in answer.json()["entry"]] == ["bob"]
    counted = (await filled.get("/fhir/Patient?_summary=count")).json()
    assert counted["total"] == 2
    assert "entry" not in counted
