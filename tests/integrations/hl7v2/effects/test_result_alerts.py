"""A critical result reaches whoever sees the patient, now or next."""

from __future__ import annotations

from typing import Any

from integrations.hl7v2.mapping.draft import Draft
from tests.integrations.hl7v2.writing.feed import Feed, conversion, patient, result
from tests.smart_app.conftest import Desk, receive


async def oru(hospital: Feed, *drafts: Draft) -> None:
    await hospital.send(conversion("ORU^R01", patient("1"), *drafts, sender="LAB"))


async def until(socket: Any, type: str) -> dict[str, Any]:
    while True:
        event = await receive(socket)
        if event["type"] == type:
            return event


async def test_a_running_consultation_is_told(desk: Desk, hospital: Feed) -> None:
    encounter = await desk.begin()
    async with desk.socket(f"/ws/encounters/{encounter}") as socket:
        await oru(hospital, result("7.1", moment=5))
        raised = (await until(socket, "alert.raised"))["data"]
        assert raised["rule"] == "critical-result"
        assert raised["severity"] == "high"
        assert raised["title"] == "Critical result: potassium 7.1 mmol/L"
        assert raised["implicated"][0].startswith("Observation/")

        await oru(hospital, result("4.4", "corrected", moment=9))
        updated = (await until(socket, "alert.updated"))["data"]
        assert updated["status"] == "withdrawn"
        assert updated["detail"] == "Corrected: now 4.4 mmol/L."

    issue = await hospital.only("DetectedIssue")
    assert issue["status"] == "cancelled"
    assert issue["patient"] == {"reference": "Patient/p1"}
    assert issue["implicated"][0]["reference"] == raised["implicated"][0]


async def test_without_one_it_waits(desk: Desk, hospital: Feed) -> None:
    await oru(hospital, result("2.1", moment=5))
    assert (await hospital.only("DetectedIssue"))["status"] == "preliminary"

    first = await desk.begin()
    (shown,) = (await desk.http.get(f"/api/encounters/{first}")).json()["alerts"]
    assert "Critical below 3.0" in shown["detail"]
    second = await desk.begin()
    answer = await desk.http.post(f"/api/alerts/{shown['id']}/acknowledge", json={"reason": "Seen"})
    assert answer.status_code == 200, answer.text
    for encounter in (first, second):
        (alert,) = (await desk.http.get(f"/api/encounters/{encounter}")).json()["alerts"]
        assert alert["status"] == "acknowledged"

    third = await desk.begin()
    assert (await desk.http.get(f"/api/encounters/{third}")).json()["alerts"] == []


async def test_normal_results_and_resent_ones_raise_nothing(desk: Desk, hospital: Feed) -> None:
    await oru(hospital, result("4.1", moment=5))
    await oru(hospital, result("4.1", moment=5))
    assert await hospital.all("DetectedIssue") == []
    await oru(hospital, result("7.1", moment=6))
    await oru(hospital, result("7.1", moment=7))
    assert (await hospital.only("DetectedIssue"))["meta"]["versionId"] == "1"
