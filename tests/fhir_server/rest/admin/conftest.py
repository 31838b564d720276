"""A server with somebody of every role, on a clock that can be moved."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from fhir_server import app as fhir_app
from fhir_server.auth.authenticator import Session
from fhir_server.clock import random_id, system_clock
from fhir_server.server import FhirServer, open_fhir_server
from fhir_server.settings import FhirSettings
from fhir_server.store.connection import Database
from tests.accounts import PASSWORD, dr_adams
from tests.fhir_server.smart.flow import public_client

ROLES = ("clinician", "nurse", "biller", "admin", "auditor", "patient")
Headers = dict[str, str]


@dataclass
class Clinic:
    """A server, and a client of it that has no token."""

    server: FhirServer
    http: httpx2.AsyncClient
    moved: list[timedelta]

    def move(self, **by: float) -> None:
        self.moved.append(timedelta(**by))

    async def token(self, username: str) -> Headers:
        account = await self.server.accounts.find(username)
        assert account is not None
        issued = await self.server.authenticator.issue(account, session=Session(agent="Browser"))
        return {"Authorization": f"Bearer {issued.access_token}"}

    async def backend(self) -> Headers:
        """A token of an application that acts in nobody's name."""
        issued = await self.server.authenticator.issue_for(
            replace(dr_adams(), username="export", reference="Device/export", roles=()),
            scope="system/*.cruds",
            lifetime=300,
            client="export",
        )
        return {"Authorization": f"Bearer {issued.access_token}"}

    async def post(self, path: str, sent: Any, bearer: Headers) -> httpx2.Response:
        return await self.http.post(f"/api/{path}", json=sent, headers=bearer)

    async def user(self, act: str, bearer: Headers, **sent: Any) -> httpx2.Response:
        return await self.post(f"admin/users/{act}", sent, bearer)

    async def login(self, username: str, password: str = PASSWORD) -> httpx2.Response:
        sent = {"username": username, "password": password}
        return await self.http.post("/auth/login", json=sent)

    async def events(self) -> list[dict[str, Any]]:
        page = await self.server.server.store.search({"type": "AuditEvent"}, count=1000)
        return [one.resource() for one in page.entries]


@pytest.fixture
async def clinic(database: Database) -> AsyncIterator[Clinic]:
    moved: list[timedelta] = []

    def clock() -> datetime:
        return system_clock() + sum(moved, timedelta())

    server = await open_fhir_server(
        database,
        FhirSettings(),
        clock=clock,
        ids=random_id,
        secret=lambda: secrets.token_urlsafe(32),
    )
    for name in ROLES:
        kind = "Patient" if name == "patient" else "Practitioner"
        account = replace(
            dr_adams(),
            username=name,
            reference=f"{kind}/{name}",
            display=f"The {name}",
            roles=(name,),
            scope="patient/*.rs" if name == "patient" else "user/*.cruds",
        )
        await server.accounts.add(account)
    await server.smart.clients.add(replace(public_client("chart"), status="pending"))
    app = FastAPI(openapi_url=None, redirect_slashes=False)
    fhir_app.mount(app, random_id)
    app.state.fhir = server
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        yield Clinic(server, client, moved)
    await server.aclose()
