"""Composition/$document. https://hl7.org/fhir/R4/composition-operation-document.html"""

from __future__ import annotations

from typing import Any

import httpx2
import pytest


def composition(**more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Composition",
        "id": "c1",
        "status": "final",
        "type": {"text": "Note"},
        "subject": {"reference": "Patient/p1"},
        "date": "2024-01-01",
        "author": [{"reference": "Practitioner/dr"}],
        "title": "Note",
        "section": [
            {
                "title": "Outer",
                "section": [{"title": "Inner", "entry": [{"reference": "Observation/o1"}]}],
            }
        ],
        **more,
    }


PARTS: tuple[dict[str, Any], ...] = (
    {"resourceType": "Organization", "id": "clinic", "name": "Clinic"},
    {
        "resourceType": "Patient",
        "id": "p1",
        "managingOrganization": {"reference": "Organization/clinic"},
        "generalPractitioner": [{"reference": "Practitioner/gone"}],
    },
    {"resourceType": "Practitioner", "id": "dr"},
    {"resourceType": "Practitioner", "id": "unrelated"},
    {
        "resourceType": "Observation",
        "id": "o1",
        "status": "final",
        "code": {"text": "pulse"},
        "subject": {"reference": "Patient/p1"},
        "valueQuantity": {"value": 72.5},
    },
)


@pytest.fixture
async def written(fhir: httpx2.AsyncClient) -> httpx2.AsyncClient:
    for one in (*PARTS, composition()):
        answer = await fhir.put(f"/fhir/{one['resourceType']}/{one['id']}", json=one)
        assert answer.status_code == 201, answer.text
    return fhir


def parts(document: dict[str, Any]) -> list[str]:
    return [
        f"{one['resource']['resourceType']}/{one['resource']['id']}" for one in document["entry"]
    ]


ALL = ["Composition/c1", "Observation/o1", "Organization/clinic", "Patient/p1", "Practitioner/dr"]


async def test_the_document(written: httpx2.AsyncClient) -> None:
    answer = await written.get("/fhir/Composition/c1/$document")
    assert answer.status_code == 200, answer.text
    document = answer.json()
    assert document["resourceType"] == "Bundle"
    assert document["type"] == "document"
    assert document["identifier"]["system"] == "urn:ietf:rfc:3986"
    assert document["identifier"]["value"].startswith("urn:uuid:")
    assert document["timestamp"]
    assert parts(document)[0] == "Composition/c1"
    assert sorted(parts(document)) == ALL
    assert document["entry"][0]["fullUrl"] == "http://test/fhir/Composition/c1"
    outcome = (await written.post("/fhir/Bundle/$validate", json=document)).json()
    assert not [one for one in outcome["issue"] if one["severity"] in ("error", "fatal")]
    again = (await written.get("/fhir/Composition/c1/$document")).json()
    assert again["identifier"] != document["identifier"]


@pytest.mark.parametrize("id", ["c1", "Composition/c1", "http://test/fhir/Composition/c1"])
async def test_by_id(written: httpx2.AsyncClient, id: str) -> None:
    answer = await written.get("/fhir/Composition/$document", params={"id": id})
    assert answer.status_code == 200, answer.text
    assert sorted(parts(answer.json())) == ALL


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("Composition/$document", 400),
        ("Composition/c1/$document?id=c1", 400),
        ("Composition/$document?id=http://elsewhere.org/fhir/Composition/c1", 400),
        ("Composition/c1/$document?graph=http://example.org/g", 400),
        ("Composition/c1/$document?persist=perhaps", 400),
        ("Composition/c2/$document", 404),
        ("Composition/$document?id=c2", 404),
    ],
)
async def test_wrong_requests(written: httpx2.AsyncClient, address: str, status: int) -> None:
    answer = await written.get(f"/fhir/{address}")
    assert answer.status_code == status, answer.text
    assert answer.json()["resourceType"] == "OperationOutcome"


async def test_persist(written: httpx2.AsyncClient) -> None:
    body = {
        "resourceType": "Parameters",
        "parameter": [{"name": "persist", "valueBoolean": True}],
    }
    answer = await written.post("/fhir/Composition/c1/$document", json=body)
    assert answer.status_code == 200, answer.text
    document = answer.json()
    assert answer.headers["location"].startswith(f"http://test/fhir/Bundle/{document['id']}")
    assert (await written.get(f"/fhir/Bundle/{document['id']}")).json() == document
    assert sorted(parts(document)) == ALL
    await written.get("/fhir/Composition/c1/$document?persist=false")
    assert (await written.get("/fhir/Bundle?_summary=count")).json()["total"] == 1


async def test_a_named_version_is_that_version(written: httpx2.AsyncClient) -> None:
    await written.put("/fhir/Practitioner/dr", json={**PARTS[2], "gender": "female"})
    body = composition(
        author=[
            {"reference": "Practitioner/dr/_history/1"},
            {"reference": "http://test/fhir/Practitioner/dr"},
        ]
    )
    await written.put("/fhir/Composition/c1", json=body)
    document = (await written.get("/fhir/Composition/c1/$document")).json()
    versions = [
        one["resource"]["meta"]["versionId"]
        for one in document["entry"]
        if one["fullUrl"].endswith("Practitioner/dr")
    ]
    assert versions == ["1", "2"]


@pytest.mark.parametrize(
    "more",
    [
        {"author": [{"reference": "Practitioner/missing"}]},
        {"section": [{"title": "x", "entry": [{"reference": "Observation/missing"}]}]},
        {"custodian": {"reference": "http://elsewhere.org/fhir/Organization/1"}},
    ],
)
async def test_a_part_that_is_not_here_is_an_error(
    written: httpx2.AsyncClient, more: dict[str, Any]
) -> None:
    answer = await written.put("/fhir/Composition/c1", json=composition(**more))
    if answer.status_code != 200:
        pytest.skip("referential integrity already refuses this Composition")
    answer = await written.get("/fhir/Composition/c1/$document")
    assert answer.status_code == 422, answer.text
