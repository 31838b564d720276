"""Passwords, second factors, sessions and emergency access, on a clock that can be moved."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import bcrypt
import httpx2
import pyotp
import pytest
from fastapi import FastAPI

from fhir_server import app as fhir_app
from fhir_server.auth.back_off import FREE, pause_after
from fhir_server.clock import random_id, system_clock
from fhir_server.server import FhirServer, open_fhir_server
from fhir_server.settings import FhirSettings
from fhir_server.store.connection import Database
from tests.accounts import PASSWORD, USERNAME, dr_adams

BETTER = "violet tractor mumbles"


@dataclass
class Site:
    """A server whose clock can be moved."""

    server: FhirServer
    http: httpx2.AsyncClient
    moved: list[timedelta]

    def move(self, **by: float) -> None:
        self.moved.append(timedelta(**by))

    @property
    def now(self) -> datetime:
        return system_clock() + sum(self.moved, timedelta())

    async def login(self, password: str = PASSWORD, username: str = USERNAME) -> httpx2.Response:
        sent = {"username": username, "password": password}
        return await self.http.post("/auth/login", json=sent)

    async def bearer(self, **more: str) -> dict[str, str]:
        answer = await self.login(**more)
        assert answer.status_code == 200, answer.text
        return {"Authorization": f"Bearer {answer.json()['access_token']}"}

    async def post(self, path: str, sent: Any, bearer: dict[str, str]) -> httpx2.Response:
        return await self.http.post(f"/auth/{path}", json=sent, headers=bearer)

    async def enrol(self, bearer: dict[str, str]) -> tuple[pyotp.TOTP, list[str]]:
        """Set up an authenticator app; returns it and the recovery codes."""
        offer = (await self.post("account/totp", {"password": PASSWORD}, bearer)).json()
        app = pyotp.TOTP(offer["secret"])
        answer = await self.post("account/totp/confirm", {"code": app.at(self.now)}, bearer)
        assert answer.status_code == 200, answer.text
        self.move(seconds=30)  # that code is spent
        return app, answer.json()["recovery_codes"]


@pytest.fixture
async def site(database: Database) -> AsyncIterator[Site]:
    moved: list[timedelta] = []
    server = await open_fhir_server(
        database,
        FhirSettings(),
        clock=lambda: system_clock() + sum(moved, timedelta()),
        ids=random_id,
        secret=lambda: secrets.token_urlsafe(32),
    )
    await server.accounts.add(dr_adams())
    app = FastAPI(openapi_url=None, redirect_slashes=False)
    fhir_app.mount(app, random_id)
    app.state.fhir = server
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        yield Site(server, client, moved)
    await server.aclose()


async def audited(site: Site) -> list[tuple[str, str]]:
    page = await site.server.server.store.search({"type": "AuditEvent"}, count=50)
    events = [one.resource() for one in page.entries]
    return [(one["subtype"][0]["code"], one["outcome"]) for one in events]


async def test_what_an_account_is(site: Site) -> None:
    bearer = await site.bearer()
    told = (await site.http.get("/auth/account", headers=bearer)).json()
    assert (told["username"], told["roles"]) == (USERNAME, ["clinician"])
    assert (told["totp"], told["recovery_codes"], told["idle_seconds"]) == (False, 0, 900)


async def test_another_password_ends_the_other_sessions(site: Site) -> None:
    other, bearer = await site.bearer(), await site.bearer()
    wrong = await site.post("account/password", {"current": "no", "new": BETTER}, bearer)
    assert wrong.status_code == 401
    weak = await site.post(
        "account/password", {"current": PASSWORD, "new": "password12345"}, bearer
    )
    assert (weak.status_code, weak.json()["error"]) == (400, "weak_password")
    done = await site.post("account/password", {"current": PASSWORD, "new": BETTER}, bearer)
    assert done.status_code == 204
    assert (await site.http.get("/auth/account", headers=other)).status_code == 401
    assert (await site.http.get("/auth/account", headers=bearer)).status_code == 200
    assert (await site.login()).status_code == 401
    assert (await site.login(BETTER)).status_code == 200
    assert {("110137", "4"), ("110137", "0")} <= set(await audited(site))


async def test_a_code_of_the_app_is_the_second_step_and_counts_once(site: Site) -> None:
    app, _ = await site.enrol(await site.bearer())
    first = await site.login()
    assert (first.status_code, first.json()["error"]) == (401, "second_factor_required")
    assert first.json()["factors"] == ["totp", "recovery"]
    assert "access_token" not in first.json()
    code = app.at(site.now)
    step = {"continuation": first.json()["continuation"], "code": code}
    assert (await site.post("login/code", {**step, "code": "000000"}, {})).status_code == 401
    answers = await asyncio.gather(*(site.post("login/code", step, {}) for _ in range(4)))
    assert [one.status_code for one in answers].count(200) == 1
    again = (await site.login()).json()["continuation"]
    replayed = await site.post("login/code", {"continuation": again, "code": code}, {})
    assert replayed.status_code in (401, 429)


async def test_a_recovery_code_counts_once(site: Site) -> None:
    _, codes = await site.enrol(await site.bearer())
    assert len(set(codes)) == 10
    for expected in (200, 401):
        continuation = (await site.login()).json()["continuation"]
        step = {"continuation": continuation, "code": codes[0].lower()}
        assert (await site.post("login/code", step, {})).status_code == expected


async def test_the_second_step_has_five_minutes(site: Site) -> None:
    app, _ = await site.enrol(await site.bearer())
    continuation = (await site.login()).json()["continuation"]
    site.move(minutes=6)
    step = {"continuation": continuation, "code": app.at(site.now)}
    assert (await site.post("login/code", step, {})).status_code == 401


async def test_guessing_codes_is_slowed_down(site: Site) -> None:
    await site.enrol(await site.bearer())
    continuation = (await site.login()).json()["continuation"]
    step = {"continuation": continuation, "code": "000000"}
    answers = []
    for count in range(1, 12):
        answers.append((await site.post("login/code", step, {})).status_code)
        if pause := pause_after(count, FREE["account"]):
            site.move(seconds=pause.total_seconds())
    # The pauses are waited for until one is longer than any machine takes for the next try.
    answers += [(await site.post("login/code", step, {})).status_code for _ in range(2)]
    assert answers == [401] * 12 + [429]


async def test_an_offer_counts_only_after_its_first_code(site: Site) -> None:
    bearer = await site.bearer()
    await site.post("account/totp", {"password": PASSWORD}, bearer)
    wrong = await site.post("account/totp/confirm", {"code": "000000"}, bearer)
    assert wrong.status_code == 401
    assert (await site.login()).status_code == 200


async def test_new_recovery_codes_and_removal(site: Site) -> None:
    bearer = await site.bearer()
    none = await site.post("account/recovery-codes", {"password": PASSWORD}, bearer)
    assert none.status_code == 400
    _, codes = await site.enrol(bearer)
    renewed = await site.post("account/recovery-codes", {"password": PASSWORD}, bearer)
    assert not set(renewed.json()["recovery_codes"]) & set(codes)
    removed = await site.post("account/totp/remove", {"password": PASSWORD}, bearer)
    assert removed.status_code == 204
    assert (await site.login()).status_code == 200


async def test_sessions_are_listed_and_ended(site: Site) -> None:
    site.http.headers["User-Agent"] = "Browser of the ward"
    other, bearer = await site.bearer(), await site.bearer()
    told = (await site.http.get("/auth/sessions", headers=bearer)).json()["sessions"]
    assert [one["current"] for one in told].count(True) == 1
    assert {one["agent"] for one in told} == {"Browser of the ward"}
    elsewhere = next(one["id"] for one in told if not one["current"])
    assert (
        await site.http.delete(f"/auth/sessions/{elsewhere}", headers=bearer)
    ).status_code == 204
    assert (await site.http.get("/auth/me", headers=other)).status_code == 401
    gone = await site.http.delete(f"/auth/sessions/{elsewhere}", headers=bearer)
    assert gone.status_code == 404
    other = await site.bearer()
    assert (await site.http.delete("/auth/sessions", headers=bearer)).status_code == 204
    assert (await site.http.get("/auth/me", headers=other)).status_code == 401
    assert (await site.http.get("/auth/me", headers=bearer)).status_code == 200


async def test_a_session_that_is_not_used_ends_and_one_that_is_goes_on(site: Site) -> None:
    idle, used = await site.bearer(), await site.bearer()
    for _ in range(3):
        site.move(minutes=6)
        assert (await site.http.get("/auth/me", headers=used)).status_code == 200
    assert (await site.http.get("/auth/me", headers=idle)).status_code == 401
    for _ in range(80):
        site.move(minutes=9)
        if (await site.http.get("/auth/me", headers=used)).status_code == 401:
            break
    assert sum(site.moved, timedelta()) <= timedelta(hours=12, minutes=9)


async def test_who_is_disabled_is_out(site: Site) -> None:
    await site.server.accounts.change(USERNAME, disabled=True)
    assert (await site.login()).status_code == 401


async def test_a_bcrypt_hash_is_upgraded_and_long_passwords_are_no_fault(site: Site) -> None:
    old = bcrypt.hashpw(b"an older password", bcrypt.gensalt(4)).decode()
    account = replace(dr_adams(), username="older", password_hash=old)
    await site.server.accounts.add(account)
    assert (await site.login("é" * 60, "older")).status_code == 401
    assert (await site.login("an older password", "older")).status_code == 200
    found = await site.server.accounts.find("older")
    assert found is not None
    assert found.password_hash.startswith("$argon2id$")
    assert (await site.login("an older password", "older")).status_code == 200


async def chart(site: Site) -> None:
    """A patient with an observation that only few may see, and another patient."""
    label = {"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "V"}
    code = {"text": "x"}
    subject = {"reference": "Patient/p"}
    for resource in (
        {"resourceType": "Patient", "id": "p"},
        {"resourceType": "Patient", "id": "q"},
        {
            "resourceType": "Observation",
            "id": "o",
            "meta": {"security": [label]},
            "status": "final",
            "code": code,
            "subject": subject,
        },
    ):
        await site.server.server.store.transact(lambda unit, one=resource: unit.put(one))


async def test_in_an_emergency_one_chart_opens_for_reading(site: Site) -> None:
    await chart(site)
    bearer = await site.bearer()
    hidden = await site.http.get("/fhir/Observation/o", headers=bearer)
    assert hidden.status_code in (403, 404)
    asked = {"patient": "p", "reason": "unconscious, allergies unknown"}
    told = (await site.post("emergency", asked, bearer)).json()
    assert (told["expires_in"], told["patient"]) == (3600, "p")
    emergency = {"Authorization": f"Bearer {told['access_token']}"}
    assert (await site.http.get("/fhir/Observation/o", headers=emergency)).status_code == 200
    assert (await site.http.get("/fhir/Patient/q", headers=emergency)).status_code == 404
    changed = await site.http.put(
        "/fhir/Patient/p", json={"resourceType": "Patient", "id": "p"}, headers=emergency
    )
    assert changed.status_code == 403
    assert (await site.http.get("/auth/account", headers=emergency)).status_code == 403
    page = await site.server.server.store.search({"type": "AuditEvent"}, count=50)
    events = [one.resource() for one in page.entries]
    start = next(one for one in events if one["subtype"][0]["code"] == "110127")
    assert start["purposeOfEvent"] == [{"text": asked["reason"]}]
    read = next(
        one for one in events if one["subtype"][0]["code"] == "read" and one["outcome"] == "0"
    )
    assert read["agent"][0]["purposeOfUse"][0]["coding"][0]["code"] == "BTG"
    assert read["agent"][0]["who"]["reference"] == "Practitioner/p1"
    site.move(minutes=61)
    assert (await site.http.get("/fhir/Patient/p", headers=emergency)).status_code == 401


@pytest.mark.parametrize(
    ("roles", "asked", "status"),
    [
        (("clinician",), {"patient": "nobody", "reason": "a good reason"}, 404),
        (("clinician",), {"patient": "p", "reason": "short"}, 400),
        (("biller",), {"patient": "p", "reason": "a good reason"}, 403),
    ],
)
async def test_emergency_access_is_refused(
    site: Site, roles: tuple[str, ...], asked: dict[str, str], status: int
) -> None:
    await chart(site)
    await site.server.accounts.change(USERNAME, roles=roles)
    answer = await site.post("emergency", asked, await site.bearer())
    assert answer.status_code == status


async def test_recovery_codes_are_kept_as_hashes(site: Site, database: Database) -> None:
    _, codes = await site.enrol(await site.bearer())
    kept = str(await database["second_factors"].find_one())
    assert not any(code in kept or code.replace("-", "") in kept for code in codes)
