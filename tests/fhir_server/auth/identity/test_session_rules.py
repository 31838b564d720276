"""What a session begins and ends with. OWASP ASVS 5.0 V6.2, V6.3, V6.5, V7.2, V11.5 and V14.3."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import httpx2
import pyotp
import pytest

from aimed.fhir import new_secret
from fhir_server.clock import random_id, system_clock
from fhir_server.server import FhirServer, open_fhir_server
from fhir_server.settings import FhirSettings
from fhir_server.store.connection import Database
from tests.accounts import PASSWORD, USERNAME, dr_adams


async def sign_in(
    client: httpx2.AsyncClient, token: str | None = None, password: str = PASSWORD
) -> httpx2.Response:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    sent = {"username": USERNAME, "password": password}
    return await client.post("/auth/login", json=sent, headers=headers)


async def status(client: httpx2.AsyncClient, token: str) -> int:
    answer = await client.get("/auth/me", headers={"Authorization": f"Bearer {token}"})
    return answer.status_code


async def test_a_sign_in_makes_a_new_session_and_ends_the_one_it_came_with(
    anonymous: httpx2.AsyncClient,
) -> None:
    elsewhere = (await sign_in(anonymous)).json()["access_token"]
    first = (await sign_in(anonymous)).json()["access_token"]
    second = (await sign_in(anonymous, first)).json()["access_token"]
    assert second != first
    assert [await status(anonymous, one) for one in (elsewhere, first, second)] == [200, 401, 200]


async def test_a_token_that_somebody_brings_along_becomes_no_session(
    anonymous: httpx2.AsyncClient,
) -> None:
    planted = "planted" * 6
    answer = await sign_in(anonymous, planted)
    assert answer.json()["access_token"] != planted
    assert await status(anonymous, planted) == 401


async def test_a_session_of_somebody_else_stays(
    anonymous: httpx2.AsyncClient, server: FhirServer
) -> None:
    await server.accounts.add(replace(dr_adams(), username="dr.brown"))
    sent = {"username": "dr.brown", "password": PASSWORD}
    other = (await anonymous.post("/auth/login", json=sent)).json()["access_token"]
    await sign_in(anonymous, other)
    assert await status(anonymous, other) == 200


@pytest.mark.parametrize(
    "typed", [PASSWORD.upper(), PASSWORD + " ", " " + PASSWORD, PASSWORD[:-1], PASSWORD + "\0"]
)
async def test_a_password_counts_as_it_is_typed(anonymous: httpx2.AsyncClient, typed: str) -> None:
    assert (await sign_in(anonymous, password=typed)).status_code == 401


async def test_a_long_password_is_taken(anonymous: httpx2.AsyncClient) -> None:
    chosen = "violet tractor mumbles " * 4
    assert len(chosen) > 64
    bearer = {"Authorization": f"Bearer {(await sign_in(anonymous)).json()['access_token']}"}
    sent = {"current": PASSWORD, "new": chosen[:90] + "and ends"}
    changed = await anonymous.post("/auth/account/password", json=sent, headers=bearer)
    assert changed.status_code == 204, changed.text
    assert (await sign_in(anonymous, password=sent["new"])).status_code == 200
    assert (await sign_in(anonymous, password=sent["new"][:72])).status_code == 401


async def test_a_password_does_not_grow_old(
    anonymous: httpx2.AsyncClient, server: FhirServer
) -> None:
    long_ago = system_clock() - timedelta(days=3650)
    await server.accounts.change(USERNAME, password_changed=long_ago)
    assert (await sign_in(anonymous)).status_code == 200


async def test_every_sign_in_is_recorded(anonymous: httpx2.AsyncClient, server: FhirServer) -> None:
    await sign_in(anonymous, password="wrong")
    sent = {"username": "nobody", "password": PASSWORD}
    await anonymous.post("/auth/login", json=sent)
    await sign_in(anonymous)
    page = await server.server.store.search({"type": "AuditEvent"}, count=10)
    events = [one.resource() for one in page.entries]
    told = sorted((one["subtype"][0]["code"], one["outcome"]) for one in events)
    assert told == [("110122", "0"), ("110122", "4"), ("110122", "4")]
    assert PASSWORD not in str(events)


async def test_signing_out_clears_the_browser(anonymous: httpx2.AsyncClient) -> None:
    token = (await sign_in(anonymous)).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    answer = await anonymous.post("/auth/logout", headers=headers)
    assert answer.headers["clear-site-data"] == '"cache", "cookies"'
    assert answer.headers["cache-control"] == "no-store"


async def test_a_new_server_has_no_account(database: Database) -> None:
    opened = await open_fhir_server(
        database, FhirSettings(), clock=system_clock, ids=random_id, secret=new_secret
    )
    try:
        assert await opened.accounts.all() == []
    finally:
        await opened.aclose()


def test_tokens_are_long_and_differ() -> None:
    made = {new_secret() for _ in range(1000)}
    assert len(made) == 1000
    assert min(len(one) for one in made) * 6 >= 256


async def test_seeds_and_recovery_codes_are_long(anonymous: httpx2.AsyncClient) -> None:
    token = (await sign_in(anonymous)).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    sent = {"password": PASSWORD}
    offer = (await anonymous.post("/auth/account/totp", json=sent, headers=headers)).json()
    assert len(offer["secret"]) * 5 >= 128
    code = {"code": pyotp.TOTP(offer["secret"]).now()}
    made = await anonymous.post("/auth/account/totp/confirm", json=code, headers=headers)
    codes = [one.replace("-", "") for one in made.json()["recovery_codes"]]
    assert len(set(codes)) == 10
    # Of 32 signs each: a code of less than 112 bits would need a slow hash with salt.
    assert min(len(one) for one in codes) * 5 >= 112
