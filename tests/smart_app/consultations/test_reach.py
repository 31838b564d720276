"""The live record of a consultation is as closed as the resources that it is stored in."""

from __future__ import annotations

import httpx2
import pytest

from fhir_server.store.accounts import Account
from tests.smart_app.conftest import START, Desk, close_code

ALL = "Encounter Consent DocumentReference Composition DetectedIssue Patient"


async def token_of(
    desk: Desk, scope: str, *, patient: str | None = None, roles: tuple[str, ...] = ("clinician",)
) -> str:
    """A token of an application, with a patient in context."""
    account = Account("dr.b", "", "Practitioner/d2", "Dr B", roles, scope)
    issued = await desk.fhir.authenticator.issue_for(
        account, scope=scope, lifetime=600, client="app", patient=patient
    )
    return issued.access_token


async def everything(desk: Desk, id: str, token: str) -> list[int | None]:
    """What the routes and sockets of a consultation answer."""
    headers = {"Authorization": f"Bearer {token}"}
    answers: list[httpx2.Response] = [
        await desk.http.get(f"/api/encounters/{id}", headers=headers),
        await desk.http.post(f"/api/encounters/{id}/stop", headers=headers),
        await desk.http.post(f"/api/encounters/{id}/sign", headers=headers),
        await desk.http.post("/api/encounters", json=START, headers=headers),
    ]
    codes: list[int | None] = [one.status_code for one in answers]
    for path in (f"/ws/encounters/{id}", f"/ws/encounters/{id}/audio"):
        async with desk.socket(path, token=token) as socket:
            codes.append(await close_code(socket))
    return codes


async def test_a_patient_token_reaches_its_own_patient_alone(desk: Desk) -> None:
    id = await desk.begin()
    other = await token_of(desk, "patient/*.cruds", patient="Patient/somebody-else")
    assert await everything(desk, id, other) == [404, 404, 404, 422, 4404, 4404]
    own = await token_of(desk, "patient/*.cruds", patient="Patient/p1")
    headers = {"Authorization": f"Bearer {own}"}
    answer = await desk.http.get(f"/api/encounters/{id}", headers=headers)
    assert answer.status_code == 200


@pytest.mark.parametrize("missing", ["DocumentReference", "Composition", "DetectedIssue"])
async def test_who_may_not_read_a_part_is_told_nothing(desk: Desk, missing: str) -> None:
    id = await desk.begin()
    token = await token_of(desk, " ".join(f"user/{t}.cruds" for t in ALL.split() if t != missing))
    headers = {"Authorization": f"Bearer {token}"}
    answer = await desk.http.get(f"/api/encounters/{id}", headers=headers)
    assert answer.status_code == 403
    async with desk.socket(f"/ws/encounters/{id}", token=token) as socket:
        assert await close_code(socket) == 4403


async def test_a_role_without_notes_follows_no_consultation(desk: Desk) -> None:
    id = await desk.begin()
    token = await token_of(desk, "user/*.cruds", roles=("biller",))
    assert await everything(desk, id, token) == [403, 403, 403, 403, 4403, 4403]


async def test_a_label_that_nobody_may_see_closes_the_live_record(desk: Desk) -> None:
    id = await desk.begin()
    system = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
    visit = (await desk.http.get(f"/fhir/Encounter/{id}")).json()
    visit["meta"] = {"security": [{"system": system, "code": "V"}]}
    assert (await desk.http.put(f"/fhir/Encounter/{id}", json=visit)).status_code == 200
    assert (await everything(desk, id, desk.token))[:3] == [404, 404, 404]
