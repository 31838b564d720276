"""One FHIR server per test module, spoken to over HTTP with a real token.

A module's tests share its data, so the suite stays quick; a test that changes something uses
resources of its own.
"""

from __future__ import annotations

import inspect
import os
import uuid
from collections.abc import AsyncIterator

import httpx2
import pytest
import pytest_asyncio
from fastapi import FastAPI

from fhir_server import app as fhir_app
from fhir_server.clock import random_id
from fhir_server.server import FhirServer
from fhir_server.store.connection import Database, connect
from tests.accounts import PASSWORD, USERNAME, dr_adams
from tests.fhir_servers import fhir_server_on


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One event loop for all: a database client lives in the loop that it was first used in."""
    for item in items:
        if not isinstance(item, pytest.Function) or not inspect.iscoroutinefunction(item.function):
            continue
        if "tests/conformance" in item.path.as_posix():
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def database(mongo_uri: str) -> AsyncIterator[Database]:
    """An empty database of this module's own.

    The embedded server is thrown away as a whole: to drop one database after 3,000 requests takes
    it 37 s. On a server of one's own it is dropped.
    """
    async with connect(mongo_uri) as client:
        name = f"test_{uuid.uuid4().hex}"
        yield client[name]
        if "AIMED_TEST_MONGO_URI" in os.environ:
            await client.drop_database(name)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def server(database: Database) -> AsyncIterator[FhirServer]:
    async with fhir_server_on(database) as opened:
        await opened.accounts.add(dr_adams())
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def anonymous(server: FhirServer) -> AsyncIterator[httpx2.AsyncClient]:
    """A client without a token."""
    app = FastAPI(openapi_url=None, redirect_slashes=False)
    fhir_app.mount(app, random_id)
    app.state.fhir = server
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def fhir(anonymous: httpx2.AsyncClient) -> AsyncIterator[httpx2.AsyncClient]:
    """A client that has signed in."""
    answer = await anonymous.post("/auth/login", json={"username": USERNAME, "password": PASSWORD})
    headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    transport = anonymous._transport
    async with httpx2.AsyncClient(
        transport=transport, base_url="http://test", headers=headers
    ) as client:
        yield client
