"""A server whose clock can be moved, reached as http://localhost, for who signs in to it."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from fhir_server import app as fhir_app
from fhir_server.auth.identity.provider import IdentityProvider
from fhir_server.clock import random_id, system_clock
from fhir_server.server import FhirServer, open_fhir_server
from fhir_server.settings import FhirSettings
from fhir_server.store.connection import Database
from tests.accounts import PASSWORD, USERNAME, dr_adams
from tests.software_authenticator import Authenticator

ORIGIN = "http://localhost:8000"
Bearer = dict[str, str]


@dataclass
class Place:
    """A server and a browser at it."""

    server: FhirServer
    http: httpx2.AsyncClient
    moved: list[timedelta]

    def move(self, **by: float) -> None:
        self.moved.append(timedelta(**by))

    async def post(
        self, path: str, sent: Any = None, bearer: Bearer | None = None
    ) -> httpx2.Response:
        return await self.http.post(f"/auth/{path}", json=sent or {}, headers=bearer or {})

    async def login(self, username: str = USERNAME) -> httpx2.Response:
        return await self.post("login", {"username": username, "password": PASSWORD})

    async def bearer(self, username: str = USERNAME) -> Bearer:
        return bearer_of(await self.login(username))

    async def enrol(self, authenticator: Authenticator, bearer: Bearer) -> httpx2.Response:
        """Register a passkey."""
        options = await self.post("account/passkeys/options", {"password": PASSWORD}, bearer)
        assert options.status_code == 200, options.text
        made = authenticator.create(options.json()["publicKey"])
        return await self.post("account/passkeys", {"name": "Phone", "credential": made}, bearer)

    async def options(self, continuation: str = "") -> dict[str, Any]:
        answer = await self.post("login/passkey/options", {"continuation": continuation})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()["publicKey"]
        return found

    async def use(self, credential: dict[str, Any], continuation: str = "") -> httpx2.Response:
        sent = {"credential": credential, "continuation": continuation}
        return await self.post("login/passkey", sent)

    async def logins(self) -> list[dict[str, Any]]:
        """The audit events of signing in, newest first."""
        page = await self.server.server.store.search({"type": "AuditEvent"}, count=100)
        events = [one.resource() for one in page.entries]
        return [one for one in events if one["subtype"][0]["code"] == "110122"]


def bearer_of(answer: httpx2.Response) -> Bearer:
    assert answer.status_code == 200, answer.text
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


def way_of(event: dict[str, Any]) -> str:
    """How somebody signed in, as an audit event tells it."""
    details = [detail for one in event["entity"] for detail in one.get("detail", [])]
    (way,) = [one["valueString"] for one in details if one["type"] == "authentication"]
    return str(way)


Open = Callable[..., Awaitable[Place]]


@pytest.fixture
async def open_place(database: Database) -> AsyncIterator[Open]:
    """Opens a place with settings of one's choice."""
    async with AsyncExitStack() as stack:

        async def opened(provider: IdentityProvider | None = None, **identity: Any) -> Place:
            moved: list[timedelta] = []
            server = await open_fhir_server(
                database,
                FhirSettings.model_validate({"identity": identity}),
                clock=lambda: system_clock() + sum(moved, timedelta()),
                ids=random_id,
                secret=lambda: secrets.token_urlsafe(32),
                provider=provider,
            )
            stack.push_async_callback(server.aclose)
            if await server.accounts.find(USERNAME) is None:
                await server.accounts.add(dr_adams())
            app = FastAPI(openapi_url=None, redirect_slashes=False)
            fhir_app.mount(app, random_id)
            app.state.fhir = server
            transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
            http = httpx2.AsyncClient(transport=transport, base_url=ORIGIN)
            return Place(server, await stack.enter_async_context(http), moved)

        yield opened


@pytest.fixture
async def place(open_place: Open) -> Place:
    return await open_place()
