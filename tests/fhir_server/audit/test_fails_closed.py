"""What cannot be recorded does not happen: the database gone, or full."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx2
import pytest
from fastapi import FastAPI

from fhir_server import app as fhir_app
from fhir_server.clock import random_id, system_clock
from fhir_server.server import open_fhir_server
from fhir_server.settings import FhirSettings
from fhir_server.store.connection import Database, connect
from tests.accounts import PASSWORD, USERNAME, dr_adams

MARKER = "Verschwiegen"
PATIENT = {"resourceType": "Patient", "id": "m", "name": [{"family": MARKER}]}


async def full(database: Database) -> None:
    """From now on nothing is taken for the audit trail; all else can be read and written."""
    await database.command("collMod", "audit_pending", validator={"never": {"$exists": True}})


READS = ("Patient/m", "Patient/m/_history/1", "Patient", "Patient/m/$everything")


@pytest.mark.parametrize("path", READS)
async def test_a_read_that_cannot_be_recorded_shows_nothing(
    fhir: httpx2.AsyncClient, database: Database, path: str
) -> None:
    await fhir.put("/fhir/Patient/m", json=PATIENT)
    await full(database)
    answer = await fhir.get(f"/fhir/{path}")
    assert answer.status_code >= 500
    assert MARKER not in answer.text


async def test_a_write_that_cannot_be_recorded_leaves_nothing(
    fhir: httpx2.AsyncClient, database: Database
) -> None:
    await full(database)
    assert (await fhir.put("/fhir/Patient/m", json=PATIENT)).status_code >= 500
    assert await database["resources"].count_documents({"_id": "Patient/m"}) == 0
    assert await database["outbox"].count_documents({}) == 0


@dataclass
class Line:
    """A wire to the database that can be cut."""

    host: str
    port: int
    open: list[asyncio.StreamWriter] = field(default_factory=list)
    carrying: set[asyncio.Task[None]] = field(default_factory=set)
    server: asyncio.Server | None = None

    def begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open.append(writer)
        self.carrying.add(asyncio.create_task(self.carry(reader, writer)))

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner, outer = await asyncio.open_connection(self.host, self.port)
        self.open.append(outer)
        with suppress(OSError):
            await asyncio.gather(pump(reader, outer), pump(inner, writer))

    def cut(self) -> None:
        assert self.server is not None
        self.server.close()
        for one in self.open:
            one.transport.abort()

    async def aclose(self) -> None:
        """Leave no socket: one that is collected later fails whatever test runs then."""
        self.cut()
        for one in self.carrying:
            one.cancel()
        await asyncio.gather(*self.carrying, return_exceptions=True)
        self.cut()  # what was being connected meanwhile
        for writer in self.open:
            with suppress(OSError):
                await writer.wait_closed()


async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while data := await source.read(65536):
        sink.write(data)
        await sink.drain()


@pytest.fixture
async def line(mongo_uri: str) -> AsyncIterator[Line]:
    place = urlsplit(mongo_uri)
    made = Line(place.hostname or "", place.port or 27017)
    made.server = await asyncio.start_server(made.begin, "127.0.0.1", 0)
    yield made
    await made.aclose()


async def test_with_the_database_gone_nothing_is_shown(
    line: Line, mongo_uri: str, database: Database
) -> None:
    assert line.server is not None
    port = line.server.sockets[0].getsockname()[1]
    place = urlsplit(mongo_uri)
    login = place.netloc.rpartition("@")[0]
    uri = f"mongodb://{login + '@' if login else ''}127.0.0.1:{port}/?directConnection=true"
    async with connect(uri, timeout_ms=60_000) as client:
        server = await open_fhir_server(
            client[database.name],
            FhirSettings(),
            clock=system_clock,
            ids=random_id,
            secret=lambda: secrets.token_urlsafe(32),
        )
        await server.accounts.add(dr_adams())
        app = FastAPI(openapi_url=None, redirect_slashes=False)
        fhir_app.mount(app, random_id)
        app.state.fhir = server
        transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx2.AsyncClient(transport=transport, base_url="http://test") as fhir:
            sent = {"username": USERNAME, "password": PASSWORD}
            token = (await fhir.post("/auth/login", json=sent)).json()["access_token"]
            fhir.headers["Authorization"] = f"Bearer {token}"
            assert (await fhir.put("/fhir/Patient/m", json=PATIENT)).status_code == 201
            line.cut()
            # Only now: until here a slow machine may take its time.
            client._topology._settings._server_selection_timeout = 1
            for path in READS[:1]:
                answer = await fhir.get(f"/fhir/{path}")
                assert answer.status_code >= 500
                assert MARKER not in answer.text
        await server.aclose()
