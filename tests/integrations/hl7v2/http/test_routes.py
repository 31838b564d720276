"""POST /hl7v2 with real tokens and a real database."""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx2
import pytest
from fastapi import FastAPI

from fhir_server import app as fhir_app
from fhir_server.clock import random_id
from fhir_server.server import FhirServer
from fhir_server.store.accounts import Account
from fhir_server.store.connection import Database
from integrations.hl7v2.acknowledgement import read_acknowledgement
from integrations.hl7v2.http import hl7v2_router
from integrations.hl7v2.message.batch import read_batch
from integrations.hl7v2.settings import Hl7v2Settings
from integrations.hl7v2.store import MessageQuery, search
from tests.fhir_servers import fhir_server_on
from tests.integrations.hl7v2.running import Running, message

_TYPE = {"Content-Type": "application/hl7-v2"}
Token = Callable[[str], Awaitable[str]]


@pytest.fixture
async def server(database: Database) -> AsyncIterator[FhirServer]:
    async with fhir_server_on(database) as opened:
        yield opened


@pytest.fixture
async def client(server: FhirServer, hl7: Running) -> AsyncIterator[httpx2.AsyncClient]:
    app = FastAPI(openapi_url=None, redirect_slashes=False)
    fhir_app.mount(app, random_id)
    app.state.fhir = server
    app.state.hl7v2_intake = hl7.intake
    settings = Hl7v2Settings.model_validate({"limits": {"message_bytes": 4096}})
    app.include_router(hl7v2_router(settings))
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as one:
        token = await _token(server, "system/MessageHeader.c")
        one.headers["Authorization"] = f"Bearer {token}"
        yield one


async def _token(server: FhirServer, scope: str) -> str:
    holder = Account(
        username="feed",
        password_hash="",
        reference="Device/feed",
        display="Feed",
        roles=(),
        scope=scope,
    )
    return (await server.authenticator.issue(holder, scope=scope, lifetime=60)).access_token


async def test_a_message(client: httpx2.AsyncClient, hl7: Running) -> None:
    answer = await client.post("/hl7v2", content=message("C1"), headers=_TYPE)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/hl7-v2")
    read = read_acknowledgement(answer.content)
    assert (read.code, read.control_id) == ("AA", "C1")
    (found,) = (await search(hl7.store.database, MessageQuery(control="C1"))).messages
    assert (found.listener, found.peer) == ("http", "Device/feed")
    again = await client.post("/hl7v2", content=message("C1"), headers=_TYPE)
    assert again.content == answer.content


async def test_other_answers(client: httpx2.AsyncClient) -> None:
    refused = message("C1").replace(b"ADT^A08^ADT_A01", b"")
    answer = await client.post("/hl7v2", content=refused, headers=_TYPE)
    assert answer.status_code == 400
    assert read_acknowledgement(answer.content).problems[0].code == "101"
    quiet = message("C2", rest="|||NE|NE")
    answer = await client.post("/hl7v2", content=quiet, headers=_TYPE)
    assert (answer.status_code, answer.content) == (202, b"")
    large = message("C3", body="NTE|1||" + "x" * 5000)
    answer = await client.post("/hl7v2", content=large, headers=_TYPE)
    assert answer.status_code == 413
    assert read_acknowledgement(answer.content).control_id == "C3"
    answer = await client.post("/hl7v2", content=b"x" * 20_000, headers=_TYPE)
    assert answer.status_code == 413
    answer = await client.post("/hl7v2", content=b"hello", headers=_TYPE)
    assert answer.status_code == 400
    assert answer.json()["resourceType"] == "OperationOutcome"


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("application/hl7-v2", 200),
        ("x-application/hl7-v2+er7; charset=utf-8", 200),
        ("application/hl7-v2; charset=klingon", 415),
        ("application/json", 415),
        ("", 415),
    ],
)
async def test_media_types(client: httpx2.AsyncClient, kind: str, status: int) -> None:
    headers = {"Content-Type": kind} if kind else {}
    answer = await client.post("/hl7v2", content=message("C1"), headers=headers)
    assert answer.status_code == status


async def test_a_batch(client: httpx2.AsyncClient, hl7: Running) -> None:
    large = message("C3", body="NTE|1||" + "x" * 5000 + "\r")
    batch = b"BHS|^~\\&|A\r" + message("C1") + message("C2") + large + b"BTS|3\r"
    answer = await client.post("/hl7v2", content=batch, headers=_TYPE)
    assert answer.status_code == 200
    found = read_batch(answer.content)
    answers = [read_acknowledgement(one) for one in found.messages]
    assert [(one.code, one.control_id) for one in answers] == [
        ("AA", "C1"),
        ("AA", "C2"),
        ("AR", "C3"),
    ]
    assert found.problems == ()


@pytest.mark.parametrize("scope", ["user/*.cruds", "system/Patient.c", "system/MessageHeader.r"])
async def test_other_scopes_are_refused(
    client: httpx2.AsyncClient, server: FhirServer, scope: str
) -> None:
    headers = {**_TYPE, "Authorization": f"Bearer {await _token(server, scope)}"}
    answer = await client.post("/hl7v2", content=message("C1"), headers=headers)
    assert answer.status_code == 403


async def test_without_a_token(client: httpx2.AsyncClient) -> None:
    del client.headers["Authorization"]
    answer = await client.post("/hl7v2", content=message("C1"), headers=_TYPE)
    assert answer.status_code == 401


async def test_who_sent_what_is_recorded_and_who_may_not_too(
    client: httpx2.AsyncClient, server: FhirServer
) -> None:
    batch = b"BHS|^~\\&|A\r" + message("C1") + message("C2") + b"BTS|2\r"
    wrong = message("C3").replace(b"ADT^A08^ADT_A01", b"")
    statuses = [
        (await client.post("/hl7v2", content=content, headers=_TYPE)).status_code
        for content in (message("C1"), wrong, b"x" * 5000, batch, b"hello")
    ]
    reader = {**_TYPE, "Authorization": f"Bearer {await _token(server, 'system/Patient.r')}"}
    statuses.append((await client.post("/hl7v2", content=b"", headers=reader)).status_code)
    del client.headers["Authorization"]
    statuses.append((await client.post("/hl7v2", content=b"", headers=_TYPE)).status_code)
    assert statuses == [200, 400, 413, 200, 400, 403, 401]

    page = await server.server.store.search({"type": "AuditEvent"}, count=50, ascending=True)
    events = [one.resource() for one in page.entries]
    assert {one["type"]["code"] for one in events} == {"110107"}
    assert [one["outcome"] for one in events] == ["0", "4", "4", "0", "4", "4", "4"]
    assert [one.get("outcomeDesc") for one in events][-2:] == ["HTTP 403", "HTTP 401"]
    asked = [
        re.sub("message=[^&]+", "message=ID", base64.b64decode(entity["query"]).decode())
        for one in events
        for entity in one["entity"]
        if "query" in entity
    ]
    assert asked == [
        "POST /hl7v2?message=ID&answer=AA",
        "POST /hl7v2?message=ID&answer=AR",
        "POST /hl7v2?answer=AR",
        "POST /hl7v2?stored=1&known=1&refused=0",
        *["POST /hl7v2"] * 3,
    ]
    senders = [one["agent"][0] for one in events]
    assert {one["network"]["address"] for one in senders} == {"127.0.0.1"}
    assert [one["who"].get("reference") for one in senders] == ["Device/feed"] * 6 + [None]
