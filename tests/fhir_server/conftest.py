"""A FHIR server of one's own, on a fresh database, spoken to over HTTP with a real token."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx2
import pytest
from fastapi import FastAPI

from fhir_server import app as fhir_app
from fhir_server.clock import random_id
from fhir_server.server import FhirServer
from fhir_server.store.connection import Database
from tests.accounts import bearer, dr_adams
from tests.fhir_servers import fhir_server_on


@pytest.fixture
async def server(database: Database) -> AsyncIterator[FhirServer]:
    async with fhir_server_on(database) as opened:
        await opened.accounts.add(dr_adams())
        yield opened


@pytest.fixture(scope="module")
def application() -> FastAPI:
    """The routes; they find the server in its state. A file has its own, which keeps origins."""
    app = FastAPI(openapi_url=None, redirect_slashes=False)
    fhir_app.mount(app, random_id)
    return app


@pytest.fixture
async def anonymous(application: FastAPI, server: FhirServer) -> AsyncIterator[httpx2.AsyncClient]:
    """A client without a token."""
    application.state.fhir = server
    transport = httpx2.ASGITransport(app=application, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


@pytest.fixture
async def fhir(server: FhirServer, anonymous: httpx2.AsyncClient) -> httpx2.AsyncClient:
    """A client with Dr Adams's token."""
    anonymous.headers.update(await bearer(server))
    return anonymous
