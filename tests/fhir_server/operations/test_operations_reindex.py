"""A SearchParameter of one's own: refused until a reindex went over what was there before."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
import pytest

EYES = {
    "resourceType": "SearchParameter",
    "id": "eyes",
    "url": "http://acme.org/fhir/SearchParameter/eyes",
    "name": "eyes",
    "status": "active",
    "description": "The colour of the eyes",
    "code": "eyes",
    "base": ["Patient"],
    "type": "string",
    "expression": "Patient.extension('http://acme.org/eyes').value.as(string)",
}


def patient(id: str, colour: str) -> dict[str, Any]:
    extension = {"url": "http://acme.org/eyes", "valueString": colour}
    return {"resourceType": "Patient", "id": id, "extension": [extension]}


async def finished(fhir: httpx2.AsyncClient) -> dict[str, Any]:
    for _ in range(600):
        answer = (await fhir.get("/fhir/$reindex-progress")).json()
        found = {
            one["name"]: next(value for name, value in one.items() if name != "name")
            for one in answer["parameter"]
        }
        if found["state"] != "running":
            return found
        await asyncio.sleep(0.1)
    raise AssertionError("the reindex does not end")


async def test_a_custom_parameter_is_searchable_once_indexed(fhir: httpx2.AsyncClient) -> None:
    await fhir.put("/fhir/Patient/early", json=patient("early", "Green"))
    assert (await fhir.put("/fhir/SearchParameter/eyes", json=EYES)).status_code == 201
    await asyncio.sleep(1.1)  # every process looks for new parameters once a second
    refused = await fhir.get("/fhir/Patient?eyes=gre")
    assert refused.status_code == 400
    assert "still being indexed" in refused.json()["issue"][0]["diagnostics"]
    await fhir.put("/fhir/Patient/late", json=patient("late", "green"))

    begun = await fhir.post("/fhir/$reindex", json={"resourceType": "Parameters"})
    assert begun.status_code == 202
    progress = await finished(fhir)
    assert progress["state"] == "done"
    assert progress["done"] == progress["total"] > 2
    assert progress["failed"] == 0
    assert progress["searchParameter"] == EYES["url"]

    body = (await fhir.get("/fhir/Patient?eyes=gre&_sort=_id")).json()
    assert [entry["resource"]["id"] for entry in body["entry"]] == ["early", "late"]
    versions = await fhir.get("/fhir/Patient/early/_history")
    assert len(versions.json()["entry"]) == 1


async def test_progress_of_nothing_is_not_found(fhir: httpx2.AsyncClient) -> None:
    assert (await fhir.get("/fhir/$reindex-progress")).status_code == 404


async def test_what_r4_defines_is_not_replaced(fhir: httpx2.AsyncClient) -> None:
    mine = {**EYES, "url": "http://hl7.org/fhir/SearchParameter/individual-gender"}
    assert (await fhir.put("/fhir/SearchParameter/eyes", json=mine)).status_code == 201
    await asyncio.sleep(1.1)
    refused = await fhir.get("/fhir/Patient?eyes=gre")
    assert "cannot be searched by eyes" in refused.json()["issue"][0]["diagnostics"]


RICH = {
    "resourceType": "Patient",
    "id": "rich",
    "identifier": [{"system": "urn:mrn:7", "value": "1"}],
    "name": [{"use": "official", "given": ["Ada", "B"]}, {"use": "nickname", "given": ["Zed"]}],
    "contact": [{"name": {"text": "x"}}, {"name": {"text": "y"}}],
    "birthDate": "1990-05-17",
}


@pytest.mark.parametrize(
    ("type", "expression", "found", "missed"),
    [
        ("number", "Patient.contact.count()", "2", "3"),
        ("token", "Patient.identifier.exists(system.startsWith('urn:mrn'))", "true", "false"),
        ("string", "Patient.name.where(use = 'official').given.first()", "ad", "zed"),
        ("string", "name.where(use != 'official').given | Patient.contact.name.text", "zed", "ada"),
        ("date", "Patient.select(birthDate)", "ge1990-05", "lt1990"),
    ],
)
async def test_any_fhirpath_can_be_indexed(
    fhir: httpx2.AsyncClient, type: str, expression: str, found: str, missed: str
) -> None:
    await fhir.put("/fhir/Patient/rich", json=RICH)
    await fhir.put("/fhir/Patient/poor", json={"resourceType": "Patient", "id": "poor"})
    own = {**EYES, "type": type, "expression": expression}
    assert (await fhir.put("/fhir/SearchParameter/eyes", json=own)).status_code == 201
    await fhir.post("/fhir/$reindex", json={"resourceType": "Parameters"})
    assert (await finished(fhir))["state"] == "done"
    body = (await fhir.get(f"/fhir/Patient?eyes={found}")).json()
    assert [entry["resource"]["id"] for entry in body["entry"]] == ["rich"], body
    assert "rich" not in (await fhir.get(f"/fhir/Patient?eyes={missed}")).text
    sort = await fhir.get("/fhir/Patient?_sort=eyes")
    assert sort.status_code == 200


async def test_what_is_no_fhirpath_is_not_searched_by(fhir: httpx2.AsyncClient) -> None:
    for expression in ("Patient.name.", "Observation.status", "1 + 1"):
        await fhir.put("/fhir/SearchParameter/eyes", json={**EYES, "expression": expression})
        await asyncio.sleep(1.1)
        refused = await fhir.get("/fhir/Patient?eyes=gre")
        assert "cannot be searched by eyes" in refused.text
