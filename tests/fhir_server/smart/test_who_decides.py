"""Who may permit an application something, for whose chart, and for how long that holds."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from fhir_server.clock import system_clock
from fhir_server.server import FhirServer
from tests.accounts import dr_adams
from tests.fhir_server.smart.flow import App, query

OFFLINE = "launch/patient patient/*.rs offline_access"


def bearer(client: httpx2.AsyncClient, token: str) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(
        transport=client._transport,
        base_url="http://test",
        headers={"Authorization": f"Bearer {token}"},
    )


async def patient_account(app: App, reference: str = "Patient/a") -> App:
    """The application in the hands of a patient, who has the widest scope there is."""
    account = replace(
        dr_adams(), username="portal.user", reference=reference, display="A", roles=("patient",)
    )
    await app.server.accounts.add(account)
    token = (await app.server.authenticator.issue(account)).access_token
    return App(app.server, app.browser, bearer(app.browser, token))


async def emergency(app: App, patient: str) -> httpx2.AsyncClient:
    sent = {"patient": patient, "reason": "unconscious, allergies unknown"}
    told = (await app.user.post("/auth/emergency", json=sent)).json()
    return bearer(app.browser, told["access_token"])


async def refused(client: httpx2.AsyncClient, app: App) -> list[int]:
    """What everything that only a person may do answers to a client."""
    asked = query((await app.ask(OFFLINE)).headers["location"])["request"]
    answers = [
        await client.get(f"/auth/authorize/{asked}"),
        await client.post(f"/auth/authorize/{asked}", json={"scopes": ["patient/*.rs"]}),
        await client.post("/auth/launches", json={"client": "app", "patient": "b"}),
        await client.get("/auth/grants"),
        await client.delete("/auth/grants/x"),
    ]
    return [one.status_code for one in answers]


async def test_an_emergency_access_permits_no_application_anything(app: App) -> None:
    # It would turn one hour on one chart into a year on any.
    assert await refused(await emergency(app, "a"), app) == [403] * 5


async def test_an_application_permits_itself_nothing(app: App) -> None:
    token = (await app.granted(OFFLINE, "a"))["access_token"]
    assert await refused(bearer(app.browser, token), app) == [403] * 5


async def test_a_patient_reads_the_own_chart_alone_whatever_the_scope(app: App) -> None:
    portal = await patient_account(app)
    assert (await portal.user.get("/fhir/Patient/a")).status_code == 200
    assert (await portal.user.get("/fhir/Patient/b")).status_code == 404
    assert (await portal.user.get("/fhir/Patient?_summary=count")).json()["total"] == 1
    assert (await portal.user.get("/fhir/Patient/b/_history")).status_code == 404
    sent = {"resourceType": "Patient", "id": "a"}
    assert (await portal.user.put("/fhir/Patient/a", json=sent)).status_code == 403


async def test_a_patient_opens_nobody_elses_chart_to_an_application(app: App) -> None:
    portal = await patient_account(app)
    asked = query((await portal.ask(OFFLINE)).headers["location"])["request"]
    chosen: dict[str, Any] = {"scopes": ["launch/patient", "patient/*.rs"], "patient": "b"}
    answer = await portal.user.post(f"/auth/authorize/{asked}", json=chosen)
    assert answer.status_code == 400
    answer = await portal.user.post("/auth/launches", json={"client": "app", "patient": "b"})
    assert answer.status_code == 400
    given = await portal.granted(OFFLINE, "a")
    assert (await portal.read("Patient/a", given["access_token"])).status_code == 200
    assert (await portal.read("Patient/b", given["access_token"])).status_code == 404


async def test_who_is_disabled_leaves_no_application_behind(app: App, server: FhirServer) -> None:
    given = await app.granted(OFFLINE, "a")
    code = await app.code(OFFLINE, "a")
    await server.accounts.change("dr.adams", disabled=True)
    await server.tokens.remove_subject("dr.adams")
    for answer in (await app.refresh(given["refresh_token"]), await app.exchange(code)):
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize(("role", "status"), [("clinician", 200), ("biller", 403)])
async def test_a_refreshed_token_has_the_roles_of_today(
    app: App, server: FhirServer, role: str, status: int
) -> None:
    given = await app.granted("user/*.rs offline_access")
    await server.accounts.change("dr.adams", roles=(role,))
    token = (await app.refresh(given["refresh_token"])).json()["access_token"]
    assert (await app.read("Observation", token)).status_code == status


async def signed_in_ago(server: FhirServer, seconds: int) -> int:
    """Let the person have signed in so long ago; when that was."""
    at = system_clock() - timedelta(seconds=seconds)
    tokens = server.server.store.database["tokens"]
    await tokens.update_many({"subject": "dr.adams"}, {"$set": {"issued": at}})
    return int(at.timestamp())


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({}, 200),
        ({"max_age": "7200"}, 200),
        ({"max_age": "600"}, 401),
        ({"max_age": "0"}, 401),
        ({"prompt": "login"}, 401),
        ({"prompt": "consent"}, 200),
    ],
)
async def test_a_sign_in_that_is_too_long_ago_does_not_count(
    app: App, server: FhirServer, asked: dict[str, str], status: int
) -> None:
    await signed_in_ago(server, 3600)
    id = query((await app.ask(OFFLINE, **asked)).headers["location"])["request"]
    assert (await app.user.get(f"/auth/authorize/{id}")).status_code == status
    sent = {"scopes": ["patient/*.rs"], "patient": "a"}
    assert (await app.user.post(f"/auth/authorize/{id}", json=sent)).status_code == status


async def test_max_age_is_a_number(app: App) -> None:
    for odd in ("x", "-1", "1.5", "9" * 30):
        answer = await app.ask(OFFLINE, max_age=odd)
        assert query(answer.headers["location"])["error"] == "invalid_request"


async def test_auth_time_is_when_the_person_signed_in(app: App, server: FhirServer) -> None:
    at = await signed_in_ago(server, 3600)
    token = (await app.granted("openid fhirUser", None))["id_token"]
    part = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    assert claims["auth_time"] == at
