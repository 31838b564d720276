"""Guessing a password. OWASP ASVS 5.0 V6.3.1."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import httpx2
import pyotp
import pytest

from fhir_server.auth.back_off import FREE, LONGEST, BackOff, pause_after
from fhir_server.clock import random_id
from fhir_server.errors import RateLimited
from fhir_server.server import FhirServer, open_fhir_server
from fhir_server.settings import FhirSettings
from fhir_server.store.connection import Database
from fhir_server.store.failures import FailureStore
from tests.accounts import PASSWORD, USERNAME, dr_adams

BEGIN = datetime.fromisoformat("2100-01-01T00:00:00+00:00")
"""Not in the past: what has expired by the real clock MongoDB removes, once a minute."""


class Timer:
    now = BEGIN

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
async def server(database: Database) -> AsyncIterator[FhirServer]:
    """A server whose clock stands still: no machine is so slow that a pause is over too soon."""
    opened = await open_fhir_server(
        database,
        FhirSettings(),
        clock=Timer(),
        ids=random_id,
        secret=lambda: secrets.token_urlsafe(32),
    )
    try:
        await opened.accounts.add(dr_adams())
        yield opened
    finally:
        await opened.aclose()


def test_pauses_double_up_to_a_quarter_of_an_hour() -> None:
    pauses = [pause_after(count, 5) for count in range(30)]
    assert pauses[:8] == [timedelta(seconds=s) for s in (0, 0, 0, 0, 0, 1, 2, 4)]
    assert pauses == sorted(pauses)
    assert pauses[-1] == LONGEST


async def test_an_account_rests_and_comes_back(database: Database) -> None:
    timer = Timer()
    guard = BackOff(FailureStore(database), clock=timer)
    for _ in range(FREE["account"]):
        await guard.check("Ada", "10.0.0.1")
        await guard.failed("Ada", "10.0.0.1")
    with pytest.raises(RateLimited) as refused:
        await guard.check("ada", "10.0.0.2")
    assert refused.value.headers["Retry-After"] == "2"
    await guard.check("bob", "10.0.0.1")
    timer.now += timedelta(seconds=2)
    await guard.check("ada", "10.0.0.2")
    await guard.succeeded("ada")
    await guard.failed("ada", None)
    await guard.check("ada", None)


async def test_an_address_that_tries_many_accounts_rests_too(database: Database) -> None:
    guard = BackOff(FailureStore(database), clock=Timer())
    for number in range(FREE["address"]):
        await guard.failed(f"user{number}", "10.0.0.1")
    with pytest.raises(RateLimited):
        await guard.check("somebody", "10.0.0.1")
    await guard.check("somebody", "10.0.0.2")


async def test_none_of_many_at_once_is_left_out(database: Database) -> None:
    store = FailureStore(database)
    for name in ("account:a", "account:b", "account:c"):
        counts = await asyncio.gather(*(store.add(name, BEGIN) for _ in range(40)))
        assert sorted(counts) == list(range(1, 41))


async def test_over_http_it_is_a_429(anonymous: httpx2.AsyncClient) -> None:
    wrong = {"username": USERNAME, "password": "wrong"}
    statuses = [
        (await anonymous.post("/auth/login", json=wrong)).status_code
        for _ in range(FREE["account"] + 1)
    ]
    assert statuses == [401] * FREE["account"] + [429]
    right = {"username": USERNAME, "password": PASSWORD}
    answer = await anonymous.post("/auth/login", json=right)
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) >= 1
    assert "error" in answer.json()


async def test_passwords_at_once_are_no_better_than_one_after_another(
    anonymous: httpx2.AsyncClient,
) -> None:
    wrong = {"username": USERNAME, "password": "wrong"}
    tries = (anonymous.post("/auth/login", json=wrong) for _ in range(24))
    told = [answer.status_code for answer in await asyncio.gather(*tries)].count(401)
    # Those that are hashed side by side with the last free one are told too.
    assert FREE["account"] <= told <= FREE["account"] + 3


async def test_codes_at_once_are_no_better_than_one_after_another(
    anonymous: httpx2.AsyncClient, server: FhirServer
) -> None:
    offer = await server.second_factor.offer(USERNAME)
    await server.second_factor.confirm(USERNAME, pyotp.TOTP(offer.secret).at(BEGIN))
    known = {"username": USERNAME, "password": PASSWORD}
    asked = (await anonymous.post("/auth/login", json=known)).json()
    sent = {"continuation": asked["continuation"], "code": "wrong"}
    tries = (anonymous.post("/auth/login/code", json=sent) for _ in range(60))
    statuses = [answer.status_code for answer in await asyncio.gather(*tries)]
    assert statuses.count(401) == FREE["account"]
    assert statuses.count(429) == 60 - FREE["account"]
