"""Patient/$everything and Encounter/$everything over HTTP.

https://hl7.org/fhir/R4/patient-operation-everything.html
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2
import pytest

from fhir_server.server import FhirServer

CODE = {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]}


def observation(id: str, patient: str = "p1", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "code": CODE,
        "subject": {"reference": f"Patient/{patient}"},
        **more,
    }


def encounter(id: str, patient: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Encounter",
        "id": id,
        "status": "finished",
        "class": {"code": "AMB"},
        "subject": {"reference": f"Patient/{patient}"},
        **more,
    }


RECORD: tuple[dict[str, Any], ...] = (
    {"resourceType": "Organization", "id": "clinic", "name": "Clinic"},
    {"resourceType": "Organization", "id": "elsewhere", "name": "Elsewhere"},
    {"resourceType": "Practitioner", "id": "dr"},
    {"resourceType": "Practitioner", "id": "stranger"},
    {"resourceType": "Location", "id": "room", "name": "Room"},
    {"resourceType": "Medication", "id": "med"},
    {"resourceType": "Binary", "id": "scan", "contentType": "text/plain", "data": "aGk="},
    {
        "resourceType": "Patient",
        "id": "p1",
        "managingOrganization": {"reference": "Organization/clinic"},
    },
    {"resourceType": "Patient", "id": "p2"},
    encounter(
        "e1",
        "p1",
        period={"start": "2020-03-01", "end": "2020-03-01"},
        location=[{"location": {"reference": "Location/room"}}],
        participant=[{"individual": {"reference": "Practitioner/dr"}}],
    ),
    encounter("e2", "p2"),
    observation(
        "o1",
        effectiveDateTime="2020-03-01",
        encounter={"reference": "Encounter/e1"},
        performer=[{"reference": "Practitioner/dr"}],
    ),
    observation("o2", effectiveDateTime="2021-03-01"),
    observation("o3", "p2", effectiveDateTime="2021-03-01"),
    # Of the other patient's record, and p1 is its performer: a member of both compartments.
    observation("o4", "p2", performer=[{"reference": "Patient/p1"}]),
    {
        "resourceType": "MedicationRequest",
        "id": "m1",
        "status": "active",
        "intent": "order",
        "authoredOn": "2021-05-05",
        "subject": {"reference": "Patient/p1"},
        "medicationReference": {"reference": "Medication/med"},
    },
    {
        "resourceType": "DocumentReference",
        "id": "d1",
        "status": "current",
        "subject": {"reference": "Patient/p1"},
        "content": [{"attachment": {"url": "Binary/scan"}}],
    },
    {
        "resourceType": "AllergyIntolerance",
        "clinicalStatus": {
            "coding": [
                {
                    "system": "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical",
                    "code": "active",
                }
            ]
        },
        "id": "a1",
        "patient": {"reference": "Patient/p1"},
        "recordedDate": "1999-01-01",
    },
)
MEMBERS = [
    "AllergyIntolerance/a1",
    "DocumentReference/d1",
    "Encounter/e1",
    "MedicationRequest/m1",
    "Observation/o1",
    "Observation/o2",
    "Observation/o4",
    "Patient/p1",
]
SUPPORTING = [
    "Binary/scan",
    "Location/room",
    "Medication/med",
    "Organization/clinic",
    "Practitioner/dr",
]


@pytest.fixture
async def record(fhir: httpx2.AsyncClient) -> httpx2.AsyncClient:
    entries = [
        {
            "resource": one,
            "request": {"method": "PUT", "url": f"{one['resourceType']}/{one['id']}"},
        }
        for one in RECORD
    ]
    body = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    answer = await fhir.post("/fhir", json=body)
    assert answer.status_code == 200, answer.text
    return fhir


async def pages(client: httpx2.AsyncClient, address: str) -> list[dict[str, Any]]:
    found = []
    at: str | None = f"/fhir/{address}"
    while at:
        answer = await client.get(at)
        assert answer.status_code == 200, answer.text
        bundle = answer.json()
        assert bundle["type"] == "searchset"
        found.append(bundle)
        at = next((one["url"] for one in bundle["link"] if one["relation"] == "next"), None)
    return found


def entries(bundle: dict[str, Any], mode: str | None = None) -> list[str]:
    return [
        f"{one['resource']['resourceType']}/{one['resource']['id']}"
        for one in bundle.get("entry", [])
        if mode is None or one["search"]["mode"] == mode
    ]


async def test_the_whole_record_patient_first(record: httpx2.AsyncClient) -> None:
    (bundle,) = await pages(record, "Patient/p1/$everything")
    assert entries(bundle)[0] == "Patient/p1"
    assert sorted(entries(bundle, "match")) == MEMBERS
    assert sorted(entries(bundle, "include")) == SUPPORTING
    assert bundle["total"] == len(MEMBERS)
    assert all(
        one["fullUrl"] == f"http://test/fhir/{reference}"
        for one, reference in zip(bundle["entry"], entries(bundle), strict=True)
    )
    (binary,) = [e["resource"] for e in bundle["entry"] if e["resource"]["id"] == "scan"]
    assert binary["data"] == "aGk="


@pytest.mark.parametrize("count", [1, 2, 3, 5, 8, 13])
async def test_pages_hold_each_resource_once(record: httpx2.AsyncClient, count: int) -> None:
    bundles = await pages(record, f"Patient/p1/$everything?_count={count}")
    found = [one for bundle in bundles for one in entries(bundle)]
    assert found[0] == "Patient/p1"
    assert sorted(found) == sorted([*MEMBERS, *SUPPORTING])
    assert all(len(entries(bundle)) == count for bundle in bundles[:-1])
    assert len(bundles) == -(-13 // count)
    assert ("total" in bundles[0]) == (len(bundles) == 1)


async def test_writes_between_pages_neither_repeat_nor_hide(record: httpx2.AsyncClient) -> None:
    first = (await record.get("/fhir/Patient/p1/$everything?_count=4")).json()
    await record.put("/fhir/Observation/new", json=observation("new"))
    at = next(one["url"] for one in first["link"] if one["relation"] == "next")
    rest = await pages(record, at.removeprefix("http://test/fhir/"))
    found = entries(first) + [one for bundle in rest for one in entries(bundle)]
    assert len(found) == len(set(found))
    assert {*MEMBERS, *SUPPORTING} <= set(found)


async def test_links_are_signed(record: httpx2.AsyncClient) -> None:
    first = (await record.get("/fhir/Patient/p1/$everything?_count=2")).json()
    at = next(one["url"] for one in first["link"] if one["relation"] == "next")
    cursor = dict(parse_qsl(urlsplit(at).query))["_cursor"]
    for address in (
        f"Patient/p2/$everything?_count=2&_cursor={cursor}",
        f"Patient/p1/$everything?_count=2&_type=Patient&_cursor={cursor}",
        "Patient/p1/$everything?_cursor=nonsense",
    ):
        assert (await record.get(f"/fhir/{address}")).status_code == 400


async def test_types(record: httpx2.AsyncClient) -> None:
    (bundle,) = await pages(record, "Patient/p1/$everything?_type=Observation,Practitioner")
    assert sorted(entries(bundle)) == [
        "Observation/o1",
        "Observation/o2",
        "Observation/o4",
        "Practitioner/dr",
    ]
    (bundle,) = await pages(record, "Patient/p1/$everything?_type=Organization&_type=Encounter")
    assert sorted(entries(bundle)) == ["Encounter/e1", "Organization/clinic"]
    assert (await record.get("/fhir/Patient/p1/$everything?_type=Nothing")).status_code == 400


async def test_care_dates(record: httpx2.AsyncClient) -> None:
    (early,) = await pages(record, "Patient/p1/$everything?end=2020-12-31")
    kept = set(entries(early, "match"))
    assert {"Observation/o1", "Encounter/e1", "AllergyIntolerance/a1", "Patient/p1"} <= kept
    assert not {"Observation/o2", "MedicationRequest/m1"} & kept
    assert "Medication/med" not in entries(early)
    (late,) = await pages(record, "Patient/p1/$everything?start=2021-01-01&end=2021-04-01")
    kept = set(entries(late, "match"))
    assert "Observation/o2" in kept
    assert not {"Observation/o1", "Encounter/e1", "MedicationRequest/m1"} & kept
    # Nobody knows when it was done, so it stays.
    assert "Observation/o4" in kept
    assert (await record.get("/fhir/Patient/p1/$everything?start=soon")).status_code == 400


async def test_since(record: httpx2.AsyncClient) -> None:
    before = (await record.get("/fhir/Organization/clinic")).json()["meta"]["lastUpdated"]
    changed = observation("o1", performer=[{"reference": "Practitioner/stranger"}])
    await record.put("/fhir/Observation/o1", json=changed)
    await record.put("/fhir/Location/room", json={"resourceType": "Location", "id": "room"})
    since = (await record.get("/fhir/Observation/o1")).json()["meta"]["lastUpdated"]
    (bundle,) = await pages(record, f"Patient/p1/$everything?_since={since}")
    assert entries(bundle, "match") == ["Observation/o1"]
    assert sorted(entries(bundle, "include")) == ["Location/room", "Practitioner/stranger"]
    (bundle,) = await pages(record, f"Patient/p1/$everything?_since={before}")
    assert sorted(entries(bundle, "match")) == MEMBERS
    for wrong in ("2020", "2020-01-01T00:00:00", "0001-01-01T00:00:00%2B14:00"):
        answer = await record.get(f"/fhir/Patient/p1/$everything?_since={wrong}")
        assert answer.status_code == 400


async def test_deleted_resources_are_not_there(record: httpx2.AsyncClient) -> None:
    await record.delete("/fhir/Observation/o2")
    await record.delete("/fhir/Practitioner/dr")
    (bundle,) = await pages(record, "Patient/p1/$everything")
    assert not {"Observation/o2", "Practitioner/dr"} & set(entries(bundle))


async def test_unknown_and_deleted_patients(record: httpx2.AsyncClient) -> None:
    assert (await record.get("/fhir/Patient/none/$everything")).status_code == 404
    await record.delete("/fhir/Patient/p2")
    assert (await record.get("/fhir/Patient/p2/$everything")).status_code == 410


async def test_every_patient(record: httpx2.AsyncClient) -> None:
    for query in ("", "?_count=3"):
        bundles = await pages(record, f"Patient/$everything{query}")
        found = [one for bundle in bundles for one in entries(bundle)]
        assert sorted(found) == sorted(
            [*MEMBERS, *SUPPORTING, "Patient/p2", "Encounter/e2", "Observation/o3"]
        )
        assert {*found[:2]} == {"Patient/p1", "Patient/p2"}


async def test_an_encounter(record: httpx2.AsyncClient) -> None:
    (bundle,) = await pages(record, "Encounter/e1/$everything")
    assert entries(bundle)[0] == "Encounter/e1"
    assert sorted(entries(bundle, "match")) == ["Encounter/e1", "Observation/o1"]
    assert sorted(entries(bundle, "include")) == [
        "Location/room",
        "Patient/p1",
        "Practitioner/dr",
    ]
    assert (await record.get("/fhir/Encounter/none/$everything")).status_code == 404


async def test_another_patients_record_stays_there(record: httpx2.AsyncClient) -> None:
    linked = observation("o5", derivedFrom=[{"reference": "Observation/o3"}])
    await record.put("/fhir/Observation/o5", json=linked)
    (bundle,) = await pages(record, "Patient/p1/$everything")
    assert "Observation/o5" in entries(bundle)
    assert not {"Observation/o3", "Patient/p2"} & set(entries(bundle))


async def test_only_what_the_caller_may_read(
    record: httpx2.AsyncClient, server: FhirServer
) -> None:
    account = await server.accounts.find("dr.adams")
    assert account is not None
    scope = "user/Patient.rs user/Observation.rs user/Practitioner.r"
    token = await server.authenticator.issue(account, scope=scope)
    record.headers["Authorization"] = f"Bearer {token.access_token}"
    (bundle,) = await pages(record, "Patient/p1/$everything")
    assert sorted(entries(bundle)) == [
        "Observation/o1",
        "Observation/o2",
        "Observation/o4",
        "Patient/p1",
        "Practitioner/dr",
    ]
    assert (await record.get("/fhir/Patient/p1/$everything?_type=Condition")).status_code == 403
    assert (await record.get("/fhir/Encounter/e1/$everything")).status_code == 403


@pytest.mark.parametrize("count", ["0", "-1", "many"])
async def test_a_wrong_count(record: httpx2.AsyncClient, count: str) -> None:
    answer = await record.get(f"/fhir/Patient/p1/$everything?_count={count}")
    assert answer.status_code == 400
