"""Conditional create, update, delete and patch; JSON Patch. FHIR R4 3.1.0.4 to 3.1.0.8."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
import pytest

JSON_PATCH = {"Content-Type": "application/json-patch+json"}


def patient(value: str, **members: Any) -> dict[str, Any]:
    number = {"system": "urn:n", "value": value}
    return {"resourceType": "Patient", "identifier": [number], **members}


async def create(fhir: httpx2.AsyncClient, value: str, criteria: str) -> httpx2.Response:
    headers = {"If-None-Exist": criteria}
    return await fhir.post("/fhir/Patient", json=patient(value), headers=headers)


async def test_conditional_create(fhir: httpx2.AsyncClient) -> None:
    first = await create(fhir, "1", "identifier=urn:n|1")
    assert first.status_code == 201
    again = await create(fhir, "1", "identifier=urn:n|1")
    assert again.status_code == 200
    assert again.headers["location"] == first.headers["location"]
    await fhir.post("/fhir/Patient", json=patient("1"))
    assert (await create(fhir, "1", "identifier=urn:n|1")).status_code == 412
    assert (await create(fhir, "1", "nonsense=1")).status_code == 400
    assert (await create(fhir, "1", "")).status_code == 412


async def test_of_twenty_parallel_conditional_creates_one_creates(fhir: httpx2.AsyncClient) -> None:
    answers = await asyncio.gather(*[create(fhir, "p", "identifier=urn:n|p") for _ in range(20)])
    assert sorted(answer.status_code for answer in answers) == [200] * 19 + [201]
    found = (await fhir.get("/fhir/Patient?identifier=urn:n|p")).json()
    assert found["total"] == 1


async def test_conditional_update(fhir: httpx2.AsyncClient) -> None:
    address = "/fhir/Patient?identifier=urn:n|2"
    made = await fhir.put(address, json=patient("2"))
    assert made.status_code == 201
    changed = await fhir.put(address, json=patient("2", active=True))
    assert changed.status_code == 200
    assert changed.json()["id"] == made.json()["id"]
    assert (await fhir.put(address, json=patient("2", id="other"))).status_code == 400
    await fhir.post("/fhir/Patient", json=patient("2"))
    assert (await fhir.put(address, json=patient("2"))).status_code == 412


async def test_conditional_delete(fhir: httpx2.AsyncClient) -> None:
    for _ in range(2):
        await fhir.post("/fhir/Patient", json=patient("3"))
    assert (await fhir.delete("/fhir/Patient?identifier=urn:n|3")).status_code == 412
    first = (await fhir.get("/fhir/Patient?identifier=urn:n|3")).json()["entry"][0]["resource"]
    assert (await fhir.delete(f"/fhir/Patient?_id={first['id']}")).status_code == 204
    assert (await fhir.get(f"/fhir/Patient/{first['id']}")).status_code == 410
    assert (await fhir.delete("/fhir/Patient?identifier=urn:n|none")).status_code == 204
    assert (await fhir.delete("/fhir/Patient")).status_code == 412


async def test_put_only_if_there_is_none(fhir: httpx2.AsyncClient) -> None:
    headers = {"If-None-Match": "*"}
    body = patient("4", id="p4")
    assert (await fhir.put("/fhir/Patient/p4", json=body, headers=headers)).status_code == 201
    assert (await fhir.put("/fhir/Patient/p4", json=body, headers=headers)).status_code == 412


PATCHES: list[tuple[Any, int]] = [
    ([{"op": "replace", "path": "/active", "value": False}], 200),
    ([{"op": "add", "path": "/identifier/-", "value": {"value": "x"}}], 200),
    ([{"op": "test", "path": "/active", "value": False}], 422),
    ([{"op": "remove", "path": "/nonsense"}], 422),
    ([{"op": "add", "path": "/gender", "value": "zzz"}], 422),
    ([{"op": "replace", "path": "/id", "value": "q"}], 422),
    ([{"op": "shake", "path": "/active"}], 400),
    ({"op": "add"}, 400),
]


@pytest.mark.parametrize(("change", "status"), PATCHES)
async def test_json_patch(fhir: httpx2.AsyncClient, change: Any, status: int) -> None:
    await fhir.put("/fhir/Patient/p", json=patient("5", id="p", active=True))
    answer = await fhir.patch("/fhir/Patient/p", json=change, headers=JSON_PATCH)
    assert answer.status_code == status, answer.text
    assert answer.json()["resourceType"] == ("Patient" if status == 200 else "OperationOutcome")


async def test_a_patch_by_criteria_with_fhirpath(fhir: httpx2.AsyncClient) -> None:
    await fhir.put("/fhir/Patient/p", json=patient("6", id="p", active=True))
    part = [
        {"name": "type", "valueCode": "replace"},
        {"name": "path", "valueString": "Patient.active"},
        {"name": "value", "valueBoolean": False},
    ]
    change = {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": part}]}
    address = "/fhir/Patient?identifier=urn:n|6"
    answer = await fhir.patch(address, json=change)
    assert answer.status_code == 200
    assert answer.json()["active"] is False
    assert answer.headers["etag"] == 'W/"2"'
    again = await fhir.patch(address, json=change)
    assert again.headers["etag"] == 'W/"2"'
    assert (await fhir.patch("/fhir/Patient?identifier=none", json=change)).status_code == 404
