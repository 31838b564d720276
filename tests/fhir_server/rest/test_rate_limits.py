"""Too many requests: 429 in the protocol's own form, by address, account and application."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
import pytest
from fastapi import FastAPI
from redis.asyncio import Redis

from fhir_server import app as fhir_app
from fhir_server.auth.rate_limits import network_of
from fhir_server.clock import random_id, system_clock
from fhir_server.server import FhirServer, open_fhir_server
from fhir_server.settings import FhirSettings
from fhir_server.store.connection import Database
from integrations.redis_limits import RedisLimiter
from tests.accounts import PASSWORD, USERNAME, dr_adams

LOGIN = {"username": USERNAME, "password": PASSWORD}


@asynccontextmanager
async def limited(
    database: Database, redis_uri: str, **limits: int | bool
) -> AsyncIterator[tuple[FhirServer, FastAPI]]:
    redis = Redis.from_url(redis_uri)
    opened = await open_fhir_server(
        database,
        FhirSettings.model_validate({"rate_limits": limits}),
        clock=system_clock,
        ids=random_id,
        secret=lambda: secrets.token_urlsafe(32),
        limiter=RedisLimiter(redis, prefix=f"limits-{uuid.uuid4().hex}", patience=60),
    )
    await opened.accounts.add(dr_adams())
    app = FastAPI(openapi_url=None, redirect_slashes=False)
    fhir_app.mount(app, random_id)
    app.state.fhir = opened
    try:
        yield opened, app
    finally:
        await opened.aclose()
        await redis.aclose()


def caller(app: FastAPI, address: str = "192.0.2.1") -> httpx2.AsyncClient:
    transport = httpx2.ASGITransport(app=app, client=(address, 1))
    return httpx2.AsyncClient(transport=transport, base_url="http://test")


def is_throttled(answer: httpx2.Response, name: str, amount: int) -> bool:
    wait = int(answer.headers["retry-after"])
    assert 1 <= wait <= 60
    assert answer.headers["ratelimit-policy"] == f'"{name}";q={amount};w=60'
    assert answer.headers["ratelimit"] == f'"{name}";r=0;t={wait}'
    return answer.status_code == 429


async def test_sign_in_by_address(database: Database, redis_uri: str) -> None:
    async with limited(database, redis_uri, sign_in=2) as (_, app), caller(app) as client:
        answers = [await client.post("/auth/login", json=LOGIN) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert is_throttled(answers[2], "sign_in", 2)
        assert answers[2].json()["error"] == "slow_down"
        assert answers[2].headers["content-type"] == "application/json"
        assert (await client.get("/fhir/metadata")).status_code == 200
        async with caller(app, "192.0.2.2") as neighbour:
            assert (await neighbour.post("/auth/login", json=LOGIN)).status_code == 200


async def test_everything_by_address(database: Database, redis_uri: str) -> None:
    async with limited(database, redis_uri, address=2) as (_, app), caller(app) as client:
        for _ in range(2):
            assert (await client.get("/fhir/Patient/x")).status_code == 401
        answer = await client.get("/fhir/Patient/x")
        assert is_throttled(answer, "address", 2)
        issue = answer.json()["issue"][0]
        assert (answer.json()["resourceType"], issue["code"]) == ("OperationOutcome", "throttled")
        xml = await client.get("/fhir/Patient/x", headers={"Accept": "application/fhir+xml"})
        assert is_throttled(xml, "address", 2)
        assert "<OperationOutcome" in xml.text
        preflight = {"Origin": "https://a.example", "Access-Control-Request-Method": "GET"}
        options = await client.options("/fhir/Patient/x", headers=preflight)
        assert options.status_code == 204


async def test_accounts_and_applications(database: Database, redis_uri: str) -> None:
    async with limited(database, redis_uri, account=4, client=2) as (fhir, app):
        account = await fhir.accounts.find(USERNAME)
        assert account is not None
        issue = fhir.authenticator.issue_for
        tokens = [
            await issue(account, scope="user/*.rs", lifetime=60, client=name)
            for name in ("one", "one", "two")
        ]
        seen: list[tuple[int, str]] = []
        for token in (*tokens, tokens[0], tokens[2]):
            # Whichever address they come from.
            async with caller(app, f"192.0.2.{len(seen)}") as client:
                headers = {"Authorization": f"Bearer {token.access_token}"}
                answer = await client.get("/fhir/Patient/x", headers=headers)
                policy = answer.headers.get("ratelimit-policy", "").partition(";")[0]
                seen.append((answer.status_code, policy))
        assert seen == [(404, ""), (404, ""), (404, ""), (429, '"client"'), (429, '"account"')]


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "Patient"), ("POST", "Patient/_search"), ("GET", "Patient/_history")],
)
async def test_searches(database: Database, redis_uri: str, method: str, path: str) -> None:
    async with limited(database, redis_uri, search=1) as (_, app), caller(app) as client:
        token = (await client.post("/auth/login", json=LOGIN)).json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        assert (await client.request(method, f"/fhir/{path}")).status_code == 200
        assert is_throttled(await client.request(method, f"/fhir/{path}"), "search", 1)
        written = await client.post("/fhir/Patient", json={"resourceType": "Patient"})
        assert written.status_code == 201


async def test_exports_tokens_and_registrations(database: Database, redis_uri: str) -> None:
    limits = {"export": 1, "token": 1, "registration": 1, "authorize": 1}
    async with limited(database, redis_uri, **limits) as (_, app), caller(app) as client:
        for path in ("token", "register", "authorize"):
            first = await client.post(f"/auth/{path}", content=b"")
            assert first.status_code in (400, 401), path
            second = await client.post(f"/auth/{path}", content=b"")
            assert second.status_code == 429, path
            assert second.json()["error"] == "slow_down"
        token = (await client.post("/auth/login", json=LOGIN)).json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        for status in (404, 429):
            assert (await client.get("/fhir/Patient/x/$everything")).status_code == status


async def test_off(database: Database, redis_uri: str) -> None:
    limits = {"enabled": False, "address": 1}
    async with limited(database, redis_uri, **limits) as (_, app), caller(app) as client:
        for _ in range(3):
            assert (await client.get("/fhir/metadata")).status_code == 200


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::"),
        ("fe80::1%eth0", "fe80::"),
        ("testclient", "testclient"),
    ],
)
def test_an_ipv6_network_is_one_peer(address: str, network: str) -> None:
    assert network_of(address) == network
