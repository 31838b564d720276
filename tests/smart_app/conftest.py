"""The API on a real port, with sign-in, sockets and a transcriber that reads a script."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache
from typing import Any

import httpx2
import pytest
import uvicorn
from fastapi import FastAPI
from redis.asyncio import Redis
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from fhir_server import app as fhir_app
from fhir_server.clock import random_id, system_clock
from fhir_server.server import FhirServer, open_fhir_server
from fhir_server.settings import FhirSettings
from fhir_server.store import Outbox
from fhir_server.store.connection import Database
from integrations.redis_events import RedisEventBus
from pipelines.consultation.consultations import Consultations
from pipelines.engines.meter import Unmetered
from pipelines.note import RulesDrafter
from pipelines.settings import ConsultationSettings
from smart_app.consultations.routes import consultation_router
from smart_app.gateway.routes import gateway_router
from smart_app.patients.routes import patients_router
from tests.accounts import bearer, dr_adams
from tests.pipelines.consultation.clinic import ALLERGY, PATIENT, Script
from tests.pipelines.engines.ordered import drafters, transcribers

LISTED = ("https://portal.hospital.example",)
PATIENCE = 60
"""Seconds to wait for what is quick on a machine that has nothing else to do."""
START = {"patient": "Patient/p1", "consent": True, "channels": 1, "roles": ["patient"]}


@dataclass
class Desk:
    """A running server and a signed-in clinician."""

    port: int
    fhir: FhirServer
    consultations: Consultations
    http: httpx2.AsyncClient
    token: str
    script: Script = field(default_factory=Script)

    async def begin(self, **changes: Any) -> str:
        answer = await self.http.post("/api/encounters", json={**START, **changes})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def socket(self, path: str, *, token: str | None = None, **options: Any) -> connect:
        headers = {"Authorization": f"Bearer {token or self.token}"}
        return self.bare(path, additional_headers=headers, **options)

    def bare(self, path: str, **options: Any) -> connect:
        return connect(f"ws://127.0.0.1:{self.port}{path}", open_timeout=PATIENCE, **options)

    async def token_for(self, scope: str, seconds: float = 600) -> str:
        account = await self.fhir.accounts.find("dr.adams")
        assert account is not None
        issued = await self.fhir.authenticator.issue(account, scope=scope)
        if seconds != 600:
            await self.end_token(scope, seconds)
        return issued.access_token

    async def end_token(self, scope: str, seconds: float) -> None:
        """Let the token of a scope expire in so many seconds from now."""
        await self.fhir.server.store.database["tokens"].update_one(
            {"scope": scope}, {"$set": {"expires": system_clock() + timedelta(seconds=seconds)}}
        )


async def receive(socket: ClientConnection) -> dict[str, Any]:
    async with asyncio.timeout(PATIENCE):
        found: dict[str, Any] = json.loads(await socket.recv())
    return found


async def close_code(socket: ClientConnection) -> int | None:
    """The code that the server closes with, after whatever it still says."""
    async with asyncio.timeout(PATIENCE):
        with suppress(ConnectionClosed):
            while True:
                await socket.recv()
        await socket.wait_closed()
    return socket.close_code


@pytest.fixture
async def desk(database: Database, redis_uri: str) -> AsyncIterator[Desk]:
    redis = Redis.from_url(redis_uri)
    fhir = await open_fhir_server(
        database,
        FhirSettings(),
        clock=system_clock,
        ids=random_id,
        secret=lambda: secrets.token_urlsafe(32),
    )
    account = replace(dr_adams(), reference="Practitioner/d1")
    await fhir.accounts.add(account)
    for resource in (PATIENT, ALLERGY):
        await fhir.server.store.transact(lambda unit, one=resource: unit.put(one))
    script = Script()
    bus = RedisEventBus(redis, clock=system_clock)
    consultations = Consultations(
        fhir.server.store,
        transcriber=transcribers(script),
        drafter=drafters(RulesDrafter()),
        bus=bus,
        clock=system_clock,
        ids=random_id,
        settings=ConsultationSettings(note_debounce_seconds=0.02, retry_seconds=0.01),
        meter=Unmetered(),
    )
    await consultations.prepare()
    relay = asyncio.create_task(_deliver(Outbox(database), bus))
    try:
        async with serving(_app(fhir, consultations)) as port, _client(port) as http:
            http.headers.update(await bearer(fhir, account))
            token = http.headers["Authorization"].removeprefix("Bearer ")
            yield Desk(port, fhir, consultations, http, token, script)
    finally:
        relay.cancel()
        await asyncio.gather(relay, return_exceptions=True)
        await consultations.aclose()
        await fhir.aclose()
        await redis.aclose()


def _client(port: int) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE)


@cache
def _routes() -> FastAPI:
    app = FastAPI(openapi_url=None, redirect_slashes=False)
    fhir_app.mount(app, random_id)
    app.include_router(consultation_router())
    app.include_router(gateway_router(LISTED))
    app.include_router(patients_router())
    return app


def _app(fhir: FhirServer, consultations: Consultations) -> FastAPI:
    """The same routes each time; they find the server of the test in their state."""
    app = _routes()
    app.state.fhir = fhir
    app.state.consultations = consultations
    return app


@asynccontextmanager
async def serving(app: FastAPI) -> AsyncIterator[int]:
    server = uvicorn.Server(
        uvicorn.Config(app, port=0, ws="websockets-sansio", log_level="error", lifespan="off")
    )
    task = asyncio.create_task(server.serve())
    try:
        async with asyncio.timeout(PATIENCE):
            while not server.started:  # noqa: ASYNC110 - uvicorn has no event to wait for
                await asyncio.sleep(0.01)
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        await task


async def _deliver(outbox: Outbox, bus: RedisEventBus) -> None:
    """The relay's part that watchers need."""
    while True:
        rows = await outbox.pending()
        for row in rows:
            if row.topic == "session":
                await bus.publish(row.partition, row.type, row.data, once=row.id)
        await outbox.delivered([row.id for row in rows])
        await asyncio.sleep(0.02)
