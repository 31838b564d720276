"""$validate. https://hl7.org/fhir/R4/resource-operation-validate.html"""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

WRONG = {"resourceType": "Patient", "gender": "zzz", "birthDate": "1970-13-01", "shoe": 43}


def parameters(*listed: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Parameters", "parameter": list(listed)}


def errors(outcome: dict[str, Any]) -> set[str]:
    assert outcome["resourceType"] == "OperationOutcome"
    found = [one for one in outcome["issue"] if one["severity"] in ("error", "fatal")]
    assert all(one["code"] and one["diagnostics"] for one in found)
    return {expression for one in found for expression in one.get("expression", ["none"])}


async def test_a_good_resource_is_all_ok(fhir: httpx2.AsyncClient) -> None:
    answer = await fhir.post("/fhir/Patient/$validate", json={"resourceType": "Patient"})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("application/fhir+json")
    issues = answer.json()["issue"]
    assert {one["severity"] for one in issues} <= {"information", "warning"}
    assert errors(answer.json()) == set()


async def test_nothing_is_stored(fhir: httpx2.AsyncClient) -> None:
    await fhir.post("/fhir/Patient/$validate", json={"resourceType": "Patient", "id": "p1"})
    assert (await fhir.get("/fhir/Patient/p1")).status_code == 404


@pytest.mark.parametrize("wrap", [False, True])
async def test_every_problem_is_listed(fhir: httpx2.AsyncClient, wrap: bool) -> None:
    body = parameters({"name": "resource", "resource": WRONG}) if wrap else WRONG
    answer = await fhir.post("/fhir/Patient/$validate", json=body)
    assert answer.status_code == 200, answer.text
    found = errors(answer.json())
    assert {"Patient.gender", "Patient.birthDate"} <= found
    assert any("shoe" in one for one in found)


async def test_another_type_than_the_address_says(fhir: httpx2.AsyncClient) -> None:
    answer = await fhir.post("/fhir/Patient/$validate", json={"resourceType": "Basic"})
    assert answer.status_code == 200
    assert "resourceType" in errors(answer.json())


async def test_a_body_without_a_type(fhir: httpx2.AsyncClient) -> None:
    answer = await fhir.post("/fhir/Patient/$validate", json={"gender": "male"})
    assert answer.status_code == 200
    assert errors(answer.json())


@pytest.mark.parametrize("body", [b"{not json", b'{"a":1,"a":2}', b"[]", b"\xff\xfe"])
async def test_what_cannot_be_read_is_400(fhir: httpx2.AsyncClient, body: bytes) -> None:
    answer = await fhir.post(
        "/fhir/Patient/$validate",
        content=body,
        headers={"Content-Type": "application/fhir+json"},
    )
    assert answer.status_code == 400
    assert answer.json()["resourceType"] == "OperationOutcome"


async def test_nothing_to_validate_is_400(fhir: httpx2.AsyncClient) -> None:
    for answer in (
        await fhir.get("/fhir/Patient/$validate"),
        await fhir.post("/fhir/Patient/$validate"),
        await fhir.post("/fhir/Patient/$validate", json=parameters()),
    ):
        assert answer.status_code == 400, answer.text
        assert answer.json()["resourceType"] == "OperationOutcome"


async def test_a_stored_instance(fhir: httpx2.AsyncClient) -> None:
    await fhir.put("/fhir/Patient/p1", json={"resourceType": "Patient", "id": "p1"})
    for answer in (
        await fhir.get("/fhir/Patient/p1/$validate"),
        await fhir.post("/fhir/Patient/p1/$validate"),
    ):
        assert answer.status_code == 200, answer.text
        assert errors(answer.json()) == set()
    assert (await fhir.get("/fhir/Patient/p2/$validate")).status_code == 404


async def test_update_needs_id_and_existence(fhir: httpx2.AsyncClient) -> None:
    await fhir.put("/fhir/Patient/p1", json={"resourceType": "Patient", "id": "p1"})

    async def found(address: str, **more: Any) -> set[str]:
        body = {"resourceType": "Patient", **more}
        answer = await fhir.post(f"/fhir/{address}?mode=update", json=body)
        assert answer.status_code == 200, answer.text
        return errors(answer.json())

    assert await found("Patient/p1/$validate", id="p1") == set()
    assert await found("Patient/$validate", id="p1") == set()
    assert await found("Patient/p1/$validate") == {"Patient.id"}
    assert await found("Patient/p1/$validate", id="p2") == {"Patient.id"}
    assert await found("Patient/$validate", id="p2") == {"none"}


async def test_create(fhir: httpx2.AsyncClient) -> None:
    answer = await fhir.post(
        "/fhir/Patient/$validate",
        json=parameters(
            {"name": "mode", "valueCode": "create"},
            {"name": "resource", "resource": {"resourceType": "Patient"}},
        ),
    )
    assert answer.status_code == 200, answer.text
    assert errors(answer.json()) == set()


async def test_delete(fhir: httpx2.AsyncClient) -> None:
    await fhir.put("/fhir/Patient/p1", json={"resourceType": "Patient", "id": "p1"})
    answer = await fhir.post(
        "/fhir/Patient/p1/$validate", json=parameters({"name": "mode", "valueCode": "delete"})
    )
    assert answer.status_code == 200, answer.text
    assert errors(answer.json()) == set()
    assert (await fhir.get("/fhir/Patient/p1")).status_code == 200
    missing = await fhir.post("/fhir/Patient/p2/$validate?mode=delete")
    assert missing.status_code == 200
    assert errors(missing.json()) == {"none"}
    assert (await fhir.post("/fhir/Patient/$validate?mode=delete")).status_code == 400


async def test_an_unknown_mode_or_parameter_is_400(fhir: httpx2.AsyncClient) -> None:
    for query in ("mode=maybe", "mode=profile", "colour=red"):
        answer = await fhir.post(f"/fhir/Patient/$validate?{query}", json=WRONG)
        assert answer.status_code == 400, answer.text


async def test_an_unknown_profile_is_an_error(fhir: httpx2.AsyncClient) -> None:
    answer = await fhir.post(
        "/fhir/Patient/$validate?profile=http://example.org/unknown",
        json={"resourceType": "Patient"},
    )
    assert 400 <= answer.status_code < 500
    assert errors(answer.json())


async def test_parameters_can_be_validated_themselves(fhir: httpx2.AsyncClient) -> None:
    answer = await fhir.post("/fhir/Parameters/$validate", json=parameters({"name": "a"}))
    assert answer.status_code == 200, answer.text
    answer = await fhir.post("/fhir/Parameters/$validate", json=parameters({"nome": "a"}))
    assert errors(answer.json())
