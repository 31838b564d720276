"""A server on a real port, for clients that bring their own HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx2
import pytest
import uvicorn
from fastapi import FastAPI

from fhir_server import app as fhir_app
from fhir_server.clock import random_id
from fhir_server.server import FhirServer
from fhir_server.store.connection import Database
from tests.accounts import PASSWORD, USERNAME, dr_adams
from tests.fhir_server.smart.flow import App, public_client
from tests.fhir_servers import fhir_server_on


@dataclass(frozen=True)
class Place:
    """Where the server is, and the token of who has signed in."""

    url: str
    token: str
    app: App


@pytest.fixture
async def server(database: Database) -> AsyncIterator[FhirServer]:
    async with fhir_server_on(database) as opened:
        await opened.accounts.add(dr_adams())
        await opened.smart.clients.add(public_client())
        yield opened


@pytest.fixture
async def place(server: FhirServer) -> AsyncIterator[Place]:
    app = FastAPI(openapi_url=None, redirect_slashes=False)
    fhir_app.mount(app, random_id)
    app.state.fhir = server
    running = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", lifespan="off"))
    task = asyncio.create_task(running.serve())
    async with asyncio.timeout(60):
        while not running.started:  # noqa: ASYNC110 - uvicorn has no event to wait for
            await asyncio.sleep(0.01)
    url = f"http://127.0.0.1:{running.servers[0].sockets[0].getsockname()[1]}"
    async with (
        httpx2.AsyncClient(base_url=url, timeout=60) as browser,
        httpx2.AsyncClient(base_url=url, timeout=60) as user,
    ):
        sent = {"username": USERNAME, "password": PASSWORD}
        token = (await browser.post("/auth/login", json=sent)).json()["access_token"]
        user.headers["Authorization"] = f"Bearer {token}"
        patient = {"resourceType": "Patient", "id": "a", "name": [{"family": "Able"}]}
        await user.put("/fhir/Patient/a", json=patient)
        yield Place(url, token, App(server, browser, user))
    running.should_exit = True
    await task
