"""A FHIR server of one's own, on a fresh database, spoken to over HTTP with a real token."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator

import httpx2
import pytest
from fastapi import FastAPI

from fhir_server import app as fhir_app
from fhir_server.clock import random_id, system_clock
from fhir_server.server import FhirServer, open_fhir_server
from fhir_server.settings import FhirSettings
from fhir_server.store.connection import Database
from tests.accounts import PASSWORD, USERNAME, dr_adams


@pytest.fixture
async def server(database: Database) -> AsyncIterator[FhirServer]:
    opened = await open_fhir_server(
        database,
        FhirSettings(),
        clock=system_clock,
        ids=random_id,
        secret=lambda: secrets.token_urlsafe(32),
    )
    await opened.accounts.add(dr_adams())
    yield opened
    await opened.aclose()


@pytest.fixture
async def anonymous(server: FhirServer) -> AsyncIterator[httpx2.AsyncClient]:
    """A client without a token."""
    app = FastAPI(openapi_url=None, redirect_slashes=False)
    fhir_app.mount(app, random_id)
    app.state.fhir = server
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


@pytest.fixture
async def fhir(anonymous: httpx2.AsyncClient) -> httpx2.AsyncClient:
    """A client that has signed in."""
    answer = await anonymous.post("/auth/login", json={"username": USERNAME, "password": PASSWORD})
    anonymous.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
    return anonymous
