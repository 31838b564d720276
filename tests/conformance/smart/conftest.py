"""One server for all tests of the folder, with people, applications and data, and a movable clock.

A server takes some 100 ms to open and a sign-in as much again, so tests share them; a test that
ends or changes something asks for a grant of its own. A sign-in is shared by the tests of a file:
between two files so much time may go by that the person is signed out.
"""

from __future__ import annotations

import os
import secrets
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
import pytest
import pytest_asyncio
from fastapi import FastAPI
from joserfc.jwk import ECKey, RSAKey

from fhir_server import app as fhir_app
from fhir_server.clock import random_id
from fhir_server.server import FhirServer, open_fhir_server
from fhir_server.settings import FhirSettings, SmartSettings
from fhir_server.store.connection import connect
from integrations.outbound.client import open_guarded_client
from integrations.outbound.key_sets import key_set_fetch
from integrations.outbound.settings import OutboundSettings
from tests.accounts import PASSWORD, USERNAME, dr_adams
from tests.conformance.asking import keep
from tests.conformance.smart.applications import SYSTEM, applications
from tests.conformance.smart.data_set import DATA
from tests.conformance.smart.key_server import KeySets, key_server
from tests.conformance.smart.moved_clock import MovedClock
from tests.conformance.smart.site import Site, bearer

OFFERED = (*SmartSettings().registration_scopes, *SYSTEM)


@pytest.fixture(scope="session")
def rsa() -> RSAKey:
    return RSAKey.generate_key(2048)


@pytest.fixture(scope="session")
def ec() -> ECKey:
    return ECKey.generate_key("P-384")


@pytest.fixture(scope="session")
def clock() -> MovedClock:
    return MovedClock()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def key_sets() -> AsyncIterator[KeySets]:
    async with key_server() as sets:
        yield sets


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def ehr(
    mongo_uri: str, clock: MovedClock, rsa: RSAKey, ec: ECKey, key_sets: KeySets
) -> AsyncIterator[FhirServer]:
    port = int(key_sets.url.rpartition(":")[2])
    reachable = OutboundSettings(
        internal_hosts=("127.0.0.0/8",), ports=(port,), plain_http=True, seconds=60
    )
    async with connect(mongo_uri) as mongo, open_guarded_client(reachable) as outbound:
        database = mongo[f"test_{uuid.uuid4().hex}"]
        opened = await open_fhir_server(
            database,
            FhirSettings(smart=SmartSettings(tenant="hospital-1", registration_scopes=OFFERED)),
            clock=clock,
            ids=random_id,
            secret=lambda: secrets.token_urlsafe(32),
            fetch=key_set_fetch(outbound),
        )
        await opened.accounts.add(dr_adams())
        for client in applications(rsa, ec):
            await opened.smart.clients.add(client)
        yield opened
        await opened.aclose()
        if "AIMED_TEST_MONGO_URI" in os.environ:
            await mongo.drop_database(database.name)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(ehr: FhirServer) -> AsyncIterator[httpx2.AsyncClient]:
    """A client without a token."""
    app = FastAPI(openapi_url=None, redirect_slashes=False)
    fhir_app.mount(app, random_id)
    app.state.fhir = ehr
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


@asynccontextmanager
async def signed_in(browser: httpx2.AsyncClient) -> AsyncIterator[httpx2.AsyncClient]:
    """A client with the token of Dr Adams."""
    answer = await browser.post("/auth/login", json={"username": USERNAME, "password": PASSWORD})
    async with httpx2.AsyncClient(
        transport=browser._transport,
        base_url="http://test",
        headers=bearer(answer.json()["access_token"]),
    ) as user:
        yield user


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def recorded(browser: httpx2.AsyncClient) -> None:
    """The data are on the server."""
    async with signed_in(browser) as user:
        await keep(user, DATA)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def site(
    ehr: FhirServer,
    browser: httpx2.AsyncClient,
    recorded: None,
    clock: MovedClock,
    rsa: RSAKey,
    ec: ECKey,
) -> AsyncIterator[Site]:
    """The data recorded, Dr Adams signed in, and the application `app`."""
    async with signed_in(browser) as user:
        yield Site(ehr, browser, user, clock=clock, keys=(rsa, ec))
