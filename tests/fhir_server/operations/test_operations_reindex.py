"""A SearchParameter of one's own: refused until a reindex went over what was there before."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2

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
    for _ in range(200):
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
