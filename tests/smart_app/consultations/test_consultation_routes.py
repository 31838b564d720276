"""/api: every answer is the documented shape, every error an OperationOutcome."""

from __future__ import annotations

from typing import Any

import pytest

from tests.smart_app.conftest import START, Desk


async def test_starting_gives_the_snapshot(desk: Desk) -> None:
    answer = await desk.http.post("/api/encounters", json={**START, "reason": "Cough"})
    assert answer.status_code == 201
    found = answer.json()
    assert found["status"] == "created"
    assert found["patient"] == {"reference": "Patient/p1", "display": "Nora Byrne"}
    assert (found["segments"], found["note"], found["alerts"]) == ([], None, [])
    visit = (await desk.http.get(f"/fhir/Encounter/{found['id']}")).json()
    assert visit["status"] == "in-progress"
    assert visit["participant"][0]["individual"]["reference"] == "Practitioner/d1"
    assert visit["reasonCode"] == [{"text": "Cough"}]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({**START, "consent": False}, 422),
        ({"patient": "Patient/p1"}, 422),
        ({**START, "patient": "Patient/nobody"}, 422),
        ({**START, "patient": "Practitioner/d1"}, 400),
        ({**START, "consent": "true"}, 400),
        ({**START, "channels": 3}, 400),
        ({**START, "channels": 2}, 400),
        ({**START, "roles": ["nurse"]}, 400),
        ({**START, "surprise": 1}, 400),
        ([], 400),
    ],
)
async def test_what_cannot_start(desk: Desk, body: Any, status: int) -> None:
    answer = await desk.http.post("/api/encounters", json=body)
    assert answer.status_code == status
    assert answer.json()["resourceType"] == "OperationOutcome"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/encounters"),
        ("GET", "/api/encounters/x"),
        ("POST", "/api/encounters/x/stop"),
        ("POST", "/api/encounters/x/sign"),
        ("POST", "/api/encounters/x/retranscribe"),
        ("POST", "/api/alerts/x/acknowledge"),
    ],
)
async def test_everything_is_closed_without_a_token(desk: Desk, method: str, path: str) -> None:
    answer = await desk.http.request(method, path, json=START, headers={"Authorization": ""})
    assert answer.status_code == 401
    assert answer.json()["resourceType"] == "OperationOutcome"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/encounters/unknown"),
        ("POST", "/api/encounters/unknown/stop"),
        ("POST", "/api/encounters/unknown/sign"),
        ("POST", "/api/encounters/unknown/retranscribe"),
        ("POST", "/api/alerts/unknown/acknowledge"),
    ],
)
async def test_unknown_things_are_404(desk: Desk, method: str, path: str) -> None:
    answer = await desk.http.request(method, path)
    assert answer.status_code == 404
    assert answer.json()["issue"][0]["code"] == "not-found"


async def test_a_scope_that_does_not_cover_it_is_403(desk: Desk) -> None:
    token = await desk.token_for("user/Observation.rs")
    headers = {"Authorization": f"Bearer {token}"}
    answer = await desk.http.post("/api/encounters", json=START, headers=headers)
    assert answer.status_code == 403


async def test_signing_too_early_is_a_conflict_and_stopping_twice_is_none(desk: Desk) -> None:
    encounter = await desk.begin()
    assert (await desk.http.post(f"/api/encounters/{encounter}/sign")).status_code == 409
    for _ in range(2):
        answer = await desk.http.post(f"/api/encounters/{encounter}/stop")
        assert answer.status_code == 202
        assert answer.json()["status"] == "stopping"
    assert (await desk.http.post(f"/api/encounters/{encounter}/sign")).status_code == 409


async def test_transcribing_again_without_a_second_engine_is_not_supported(desk: Desk) -> None:
    encounter = await desk.begin()
    answer = await desk.http.post(f"/api/encounters/{encounter}/retranscribe")
    assert answer.status_code == 400
    assert answer.json()["issue"][0]["code"] == "not-supported"
    assert (await desk.http.get(f"/api/encounters/{encounter}")).json()["second_engine"] is False


async def test_who_may_not_change_transcripts_orders_none(desk: Desk) -> None:
    encounter = await desk.begin()
    token = await desk.token_for("user/*.rs user/Encounter.cruds")
    headers = {"Authorization": f"Bearer {token}"}
    answer = await desk.http.post(f"/api/encounters/{encounter}/retranscribe", headers=headers)
    assert answer.status_code == 403
