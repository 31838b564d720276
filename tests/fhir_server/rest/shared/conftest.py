"""One server for all tests of a file: they read, or write resources of their own."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator

import httpx2
import pytest
import pytest_asyncio
from fastapi import FastAPI

from fhir_server.server import FhirServer
from fhir_server.store.connection import Database
from fhir_server.store.encryption import open_database
from tests.accounts import bearer, dr_adams
from tests.conftest import ENCRYPTION
from tests.fhir_servers import fhir_server_on
from tests.prepared_databases import PreparedDatabases


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One event loop a file: a database client lives in the loop that it was first used in."""
    for item in items:
        if not isinstance(item, pytest.Function) or not inspect.iscoroutinefunction(item.function):
            continue
        if "fhir_server/rest/shared" in item.path.as_posix():
            item.add_marker(pytest.mark.asyncio(loop_scope="module"), append=False)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def database(
    mongo_uri: str, prepared_databases: PreparedDatabases
) -> AsyncIterator[Database]:
    async with open_database(mongo_uri, prepared_databases.take(), ENCRYPTION) as opened:
        yield opened
        await prepared_databases.give_back(opened)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(database: Database) -> AsyncIterator[FhirServer]:
    async with fhir_server_on(database) as opened:
        await opened.accounts.add(dr_adams())
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def anonymous(application: FastAPI, server: FhirServer) -> AsyncIterator[httpx2.AsyncClient]:
    """A client without a token."""
    application.state.fhir = server
    transport = httpx2.ASGITransport(app=application, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def fhir(
    server: FhirServer, anonymous: httpx2.AsyncClient
) -> AsyncIterator[httpx2.AsyncClient]:
    """A client with Dr Adams's token."""
    async with httpx2.AsyncClient(
        transport=anonymous._transport, base_url="http://test", headers=await bearer(server)
    ) as client:
        yield client
