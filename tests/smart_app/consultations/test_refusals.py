"""Who is turned away from a consultation is in the audit trail, as over FHIR."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_server.audit.agents import SELF
from fhir_server.validation.validator import validate
from tests.smart_app.conftest import START, Desk, close_code

PARTS = "user/DocumentReference.cruds user/Composition.cruds user/DetectedIssue.cruds"
ELSEWHERE = f"user/Encounter.cruds?_id=another {PARTS}"


async def refusals(desk: Desk) -> list[dict[str, Any]]:
    page = await desk.fhir.server.store.history({"type": "AuditEvent"}, count=200)
    made = [one.resource() for one in page.entries]
    assert [issue for one in made for issue in validate(one)] == []
    return [one for one in made if one["outcome"] != "0"]


def told(event: dict[str, Any]) -> tuple[str, str | None, list[str]]:
    """What was asked, whose it was to ask, and about what."""
    who = next(one["who"] for one in event["agent"] if one["requestor"])
    about = [
        one["what"]["reference"] for one in event.get("entity", []) if "reference" in one["what"]
    ]
    return event["subtype"][0]["code"], who.get("reference"), about


@pytest.mark.parametrize(
    ("method", "path", "interaction"),
    [("GET", "", "read"), ("POST", "/stop", "update"), ("POST", "/sign", "update")],
)
@pytest.mark.parametrize(
    ("scope", "status"), [("user/Patient.rs", 403), (ELSEWHERE, 404), (None, 401)]
)
async def test_over_http(
    desk: Desk, method: str, path: str, interaction: str, scope: str | None, status: int
) -> None:
    id = await desk.begin()
    token = await desk.token_for(scope) if scope else "wrong"
    headers = {"Authorization": f"Bearer {token}"}
    answer = await desk.http.request(method, f"/api/encounters/{id}{path}", headers=headers)
    assert answer.status_code == status
    who = "Practitioner/d1" if scope else None
    assert [told(one) for one in await refusals(desk)] == [(interaction, who, [f"Encounter/{id}"])]


async def test_beginning_one(desk: Desk) -> None:
    headers = {"Authorization": f"Bearer {await desk.token_for('user/Patient.rs')}"}
    assert (await desk.http.post("/api/encounters", json=START, headers=headers)).status_code == 403
    assert [told(one) for one in await refusals(desk)] == [("create", "Practitioner/d1", [SELF])]


@pytest.mark.parametrize(("end", "interaction"), [("", "read"), ("/audio", "update")])
@pytest.mark.parametrize(
    ("scope", "code"), [("user/Patient.rs", 4403), (ELSEWHERE, 4404), (None, 4401)]
)
async def test_over_sockets(
    desk: Desk, end: str, interaction: str, scope: str | None, code: int
) -> None:
    id = await desk.begin()
    token = await desk.token_for(scope) if scope else "wrong"
    async with desk.socket(f"/ws/encounters/{id}{end}", token=token) as socket:
        assert await close_code(socket) == code
    who = "Practitioner/d1" if scope else None
    assert [told(one) for one in await refusals(desk)] == [(interaction, who, [f"Encounter/{id}"])]
