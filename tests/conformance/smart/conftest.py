"""One server for all tests of the folder, with people, applications and data, and a movable clock.

A server takes some 100 ms to open and a sign-in as much again, so tests share them; a test that
ends or changes something asks for a grant of its own.
"""

from __future__ import annotations

import os
import secrets
import uuid
from collections.abc import AsyncIterator

import httpx2
import pytest
import pytest_asyncio
from fastapi import FastAPI
from joserfc.jwk import ECKey, RSAKey

from fhir_server import app as fhir_app
from fhir_server.clock import random_id
from fhir_server.rest.smart.jwks import plain_fetch
from fhir_server.server import FhirServer, open_fhir_server
from fhir_server.settings import FhirSettings, SmartSettings
from fhir_server.store.connection import connect
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
    mongo_uri: str, clock: MovedClock, rsa: RSAKey, ec: ECKey
) -> AsyncIterator[FhirServer]:
    async with connect(mongo_uri) as mongo, httpx2.AsyncClient(trust_env=False) as http:
        database = mongo[f"test_{uuid.uuid4().hex}"]
        opened = await open_fhir_server(
            database,
            FhirSettings(smart=SmartSettings(tenant="hospital-1", registration_scopes=OFFERED)),
            clock=clock,
            ids=random_id,
            secret=lambda: secrets.token_urlsafe(32),
            fetch=plain_fetch(http),
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


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def site(
    ehr: FhirServer, browser: httpx2.AsyncClient, clock: MovedClock, rsa: RSAKey, ec: ECKey
) -> AsyncIterator[Site]:
    """The data recorded, Dr Adams signed in, and the application `app`."""
    signed_in = await browser.post("/auth/login", json={"username": USERNAME, "password": PASSWORD})
    async with httpx2.AsyncClient(
        transport=browser._transport,
        base_url="http://test",
        headers=bearer(signed_in.json()["access_token"]),
    ) as user:
        await keep(user, DATA)
        yield Site(ehr, browser, user, clock=clock, keys=(rsa, ec))
