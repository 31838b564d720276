"""A consultation is for whom the patient's directives and the own role show all of it."""

from __future__ import annotations

from typing import Any

from tests.smart_app.conftest import START, Desk, close_code, receive

DENIAL = {
    "resourceType": "Consent",
    "id": "denial",
    "status": "active",
    "scope": {
        "coding": [
            {
                "system": "http://terminology.hl7.org/CodeSystem/consentscope",
                "code": "patient-privacy",
            }
        ]
    },
    "category": [{"text": "privacy"}],
    "patient": {"reference": "Patient/p1"},
    "policyRule": {"text": "The patient's word."},
}


def denial(**members: Any) -> dict[str, Any]:
    return {**DENIAL, "provision": {"type": "deny", **members}}


async def deny(desk: Desk, consent: dict[str, Any]) -> None:
    await desk.fhir.server.store.transact(lambda unit: unit.put(consent))


async def test_a_directive_closes_a_consultation_and_its_socket(desk: Desk) -> None:
    id = await desk.begin()
    async with desk.socket(f"/ws/encounters/{id}") as watcher:
        assert (await receive(watcher))["type"] == "session.started"
        await deny(desk, denial())
        assert await close_code(watcher) == 4404
    assert (await desk.http.get(f"/api/encounters/{id}")).status_code == 404
    assert (await desk.http.post(f"/api/encounters/{id}/stop")).status_code == 404
    async with desk.socket(f"/ws/encounters/{id}") as refused:
        assert await close_code(refused) == 4404


async def test_a_hidden_patient_is_as_if_not_there(desk: Desk) -> None:
    await deny(desk, denial())
    hidden = await desk.http.post("/api/encounters", json=START)
    absent = await desk.http.post("/api/encounters", json={**START, "patient": "Patient/none"})
    assert hidden.status_code == absent.status_code == 422
    assert hidden.json()["issue"] == absent.json()["issue"]


async def test_a_part_that_is_denied_closes_the_whole(desk: Desk) -> None:
    id = await desk.begin()
    types = "http://hl7.org/fhir/resource-types"
    await deny(desk, denial(**{"class": [{"system": types, "code": "DocumentReference"}]}))
    assert (await desk.http.get(f"/api/encounters/{id}")).status_code == 404


async def test_encounters_alone_show_no_transcript(desk: Desk) -> None:
    id = await desk.begin()
    token = await desk.token_for("user/Encounter.rs")
    headers = {"Authorization": f"Bearer {token}"}
    assert (await desk.http.get(f"/api/encounters/{id}", headers=headers)).status_code == 403
    async with desk.socket(f"/ws/encounters/{id}", token=token) as refused:
        assert await close_code(refused) == 4403
