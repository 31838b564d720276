"""Profiles on writes and by $validate: what is refused, with what answer."""

from __future__ import annotations

import secrets
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from fhir_server import app as fhir_app
from fhir_server.clock import random_id, system_clock
from fhir_server.server import open_fhir_server
from fhir_server.settings import FhirSettings
from fhir_server.store.connection import Database
from tests.accounts import bearer, dr_adams

US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/"
PATIENT = f"{US_CORE}us-core-patient"
CLAIM = {"profile": [PATIENT]}
BARE = {"resourceType": "Patient"}
SOUND: dict[str, Any] = {
    "resourceType": "Patient",
    "identifier": [{"system": "urn:x", "value": "1"}],
    "name": [{"family": "f"}],
    "gender": "female",
}
MISSING = {"Patient.identifier", "Patient.name", "Patient.gender"}


def errors(answer: httpx2.Response) -> set[str]:
    outcome = answer.json()
    assert outcome["resourceType"] == "OperationOutcome"
    found = [one for one in outcome["issue"] if one["severity"] == "error"]
    return {expression for one in found for expression in one.get("expression", ["none"])}


async def test_a_create_that_breaks_its_claim_is_refused_with_every_problem(
    fhir: httpx2.AsyncClient,
) -> None:
    answer = await fhir.post("/fhir/Patient", json={**BARE, "meta": CLAIM})
    assert answer.status_code == 422
    assert errors(answer) == MISSING
    assert (await fhir.post("/fhir/Patient", json={**SOUND, "meta": CLAIM})).status_code == 201
    assert (await fhir.post("/fhir/Patient", json=BARE)).status_code == 201


async def test_an_update_and_a_patch_are_held_to_the_claim(fhir: httpx2.AsyncClient) -> None:
    sound = {**SOUND, "id": "p1", "meta": CLAIM}
    assert (await fhir.put("/fhir/Patient/p1", json=sound)).status_code == 201
    broken = {name: value for name, value in sound.items() if name != "gender"}
    assert errors(await fhir.put("/fhir/Patient/p1", json=broken)) == {"Patient.gender"}
    patched = await fhir.patch(
        "/fhir/Patient/p1",
        json=[{"op": "remove", "path": "/gender"}],
        headers={"Content-Type": "application/json-patch+json"},
    )
    assert patched.status_code == 422
    assert errors(patched) == {"Patient.gender"}


async def test_an_entry_of_a_transaction_is_held_to_its_claim(fhir: httpx2.AsyncClient) -> None:
    entry = {
        "resource": {**BARE, "meta": CLAIM},
        "request": {"method": "POST", "url": "Patient"},
    }
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
    answer = await fhir.post("/fhir", json=bundle)
    assert answer.status_code == 422
    assert "Patient.gender" in " ".join(errors(answer))


async def test_validate_takes_profiles(fhir: httpx2.AsyncClient) -> None:
    for url in (PATIENT, f"{PATIENT}|6.1.0"):
        answer = await fhir.post("/fhir/Patient/$validate", params={"profile": url}, json=BARE)
        assert answer.status_code == 200
        assert errors(answer) == MISSING
    answer = await fhir.post("/fhir/Patient/$validate", params={"profile": PATIENT}, json=SOUND)
    assert errors(answer) == set()
    absent = [one for one in answer.json()["issue"] if one["code"] == "informational"]
    assert "Patient.birthDate" in {one["expression"][0] for one in absent}


async def test_validate_takes_profiles_in_parameters(fhir: httpx2.AsyncClient) -> None:
    parameters = [
        {"name": "resource", "resource": BARE},
        {"name": "mode", "valueCode": "profile"},
        {"name": "profile", "valueCanonical": PATIENT},
        {"name": "profile", "valueUri": f"{US_CORE}us-core-observation-lab"},
    ]
    body = {"resourceType": "Parameters", "parameter": parameters}
    answer = await fhir.post("/fhir/Patient/$validate", json=body)
    assert answer.status_code == 200
    assert errors(answer) == MISSING | {"Patient"}  # a Patient is no Observation


@pytest.mark.parametrize("url", ["http://example.org/p", f"{PATIENT}|3.1.1"])
async def test_a_profile_that_is_not_known_is_refused(fhir: httpx2.AsyncClient, url: str) -> None:
    answer = await fhir.post("/fhir/Patient/$validate", params={"profile": url}, json=SOUND)
    assert answer.status_code == 400
    (issue,) = answer.json()["issue"]
    assert issue["code"] == "not-supported"
    assert PATIENT in issue["diagnostics"]


async def test_a_claim_that_is_not_known_is_accepted_and_warned_of(
    fhir: httpx2.AsyncClient,
) -> None:
    other = {**BARE, "meta": {"profile": ["http://example.org/p"]}}
    assert (await fhir.post("/fhir/Patient", json=other)).status_code == 201
    answer = await fhir.post("/fhir/Patient/$validate", json=other)
    assert errors(answer) == set()
    warned = [one for one in answer.json()["issue"] if one["code"] == "not-found"]
    assert [one["severity"] for one in warned] == ["warning"]


async def test_the_setting_demands_a_profile(database: Database) -> None:
    opened = await open_fhir_server(
        database,
        FhirSettings(required_profiles=(PATIENT,)),
        clock=system_clock,
        ids=random_id,
        secret=lambda: secrets.token_urlsafe(32),
    )
    await opened.accounts.add(dr_adams())
    app = FastAPI(openapi_url=None, redirect_slashes=False)
    fhir_app.mount(app, random_id)
    app.state.fhir = opened
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        client.headers.update(await bearer(opened))
        refused = await client.post("/fhir/Patient", json=BARE)
        assert refused.status_code == 422
        assert errors(refused) == MISSING
        assert errors(await client.post("/fhir/Patient/$validate", json=BARE)) == MISSING
        assert (await client.post("/fhir/Patient", json=SOUND)).status_code == 201
        assert (
            await client.post("/fhir/Basic", json={"resourceType": "Basic", "code": {"text": "t"}})
        ).status_code == 201
    await opened.aclose()


async def test_a_setting_that_is_not_known_stops_the_start(database: Database) -> None:
    with pytest.raises(ValueError, match=r"http://example\.org/p"):
        await open_fhir_server(
            database,
            FhirSettings(required_profiles=("http://example.org/p",)),
            clock=system_clock,
            ids=random_id,
            secret=lambda: secrets.token_urlsafe(32),
        )


async def test_r4_has_profiles_too(fhir: httpx2.AsyncClient) -> None:
    heart_rate = {
        "resourceType": "Observation",
        "meta": {"profile": ["http://hl7.org/fhir/StructureDefinition/heartrate"]},
        "status": "final",
        "category": [
            {
                "coding": [
                    {
                        "system": "http://terminology.hl7.org/CodeSystem/observation-category",
                        "code": "vital-signs",
                    }
                ]
            }
        ],
        "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]},
        "subject": {"reference": "Patient/p"},
        "effectiveDateTime": "2024-01-01",
        "valueQuantity": {
            "value": 60,
            "unit": "/min",
            "system": "http://unitsofmeasure.org",
            "code": "/min",
        },
    }
    assert (await fhir.post("/fhir/Observation", json=heart_rate)).status_code == 201
    wrong = {**heart_rate, "code": {"coding": [{"system": "http://loinc.org", "code": "1-8"}]}}
    answer = await fhir.post("/fhir/Observation", json=wrong)
    assert answer.status_code == 422
    assert any(one.startswith("Observation.code") for one in errors(answer))


async def test_the_definition_of_a_type_is_a_profile_of_it(fhir: httpx2.AsyncClient) -> None:
    url = "http://hl7.org/fhir/StructureDefinition"
    answer = await fhir.post(f"/fhir/Patient/$validate?profile={url}/Patient", json=BARE)
    assert answer.status_code == 200
    assert errors(answer) == set()
    claims = {**BARE, "meta": {"profile": [f"{url}/Patient"]}}
    assert "not-found" not in (await fhir.post("/fhir/Patient/$validate", json=claims)).text
    other = await fhir.post(f"/fhir/Patient/$validate?profile={url}/Observation", json=BARE)
    assert errors(other)


async def test_known_profiles_are_stated(fhir: httpx2.AsyncClient) -> None:
    statement = (await fhir.get("/fhir/metadata")).json()
    (patient,) = [one for one in statement["rest"][0]["resource"] if one["type"] == "Patient"]
    assert PATIENT in patient["supportedProfile"]
