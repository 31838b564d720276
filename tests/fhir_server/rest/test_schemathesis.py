"""Requests made up from our own OpenAPI description, fitting it and breaking it.

Whatever comes: no 500, every refusal an OperationOutcome, every status one that is described, no
cursor left open, and the same requests again take no more memory.
"""

from __future__ import annotations

import gc
import json
import secrets
import tracemalloc
from collections import Counter
from collections.abc import AsyncIterator
from functools import cache
from typing import Any

import httpx2
import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from pymongo import AsyncMongoClient
from pymongo.monitoring import (
    CommandFailedEvent,
    CommandListener,
    CommandStartedEvent,
    CommandSucceededEvent,
)
from schemathesis import Case, GenerationMode

from fhir_server import app as fhir_app
from fhir_server.clock import random_id, system_clock
from fhir_server.interactions.registry import interactions
from fhir_server.operations.invocation import Operations
from fhir_server.operations.registry import operations
from fhir_server.rest.open_api import open_api
from fhir_server.server import open_fhir_server
from fhir_server.settings import FhirSettings
from tests.accounts import bearer, dr_adams
from tests.prepared_databases import PreparedDatabases

CASES = 12
"""Of each kind for each of the 40 operations: about 1,000 requests."""

MEMORY = 1024 * 1024
"""Bytes that a second run of the same requests may leave allocated; 105 kB are seen."""

_TABLE = interactions(random_id, Operations(()).entry)
_DOCUMENT = json.loads(open_api(_TABLE, operations(random_id), "http://test/fhir"))


class Cursors(CommandListener):
    """Counts the cursors that the server keeps open for us."""

    def __init__(self) -> None:
        self.open: set[int] = set()
        self._asked: dict[int, int] = {}

    def started(self, event: CommandStartedEvent) -> None:
        if event.command_name == "killCursors":
            self.open -= set(event.command["cursors"])
        elif event.command_name == "getMore":
            self._asked[event.request_id] = event.command["getMore"]

    def succeeded(self, event: CommandSucceededEvent) -> None:
        cursor = event.reply.get("cursor")
        if event.command_name in ("find", "aggregate") and cursor and cursor["id"]:
            self.open.add(cursor["id"])
        elif event.command_name == "getMore":
            asked = self._asked.pop(event.request_id)
            if cursor and not cursor["id"]:
                self.open.discard(asked)

    def failed(self, event: CommandFailedEvent) -> None:
        return None


@cache
def made_up(mode: GenerationMode) -> list[Case]:
    """Cases for every operation of the description, always the same ones."""
    schema = schemathesis.openapi.from_dict(_DOCUMENT)
    cases: list[Case] = []
    for result in schema.get_all_operations():
        strategy = result.ok().as_strategy(generation_mode=mode)

        @settings(
            max_examples=CASES,
            phases=[Phase.generate],
            derandomize=True,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=strategy)
        def collect(case: Case) -> None:
            cases.append(case)

        collect()
    return cases


@pytest.fixture
async def watched(
    mongo_uri: str, prepared_databases: PreparedDatabases
) -> AsyncIterator[tuple[httpx2.AsyncClient, Cursors]]:
    """The production routes on a database whose cursors are counted, and a signed-in client."""
    cursors = Cursors()
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(
        mongo_uri, tz_aware=True, event_listeners=[cursors]
    )
    server = await open_fhir_server(
        client[prepared_databases.new()],
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
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as http:
        http.headers.update(await bearer(server))
        yield http, cursors
    await server.aclose()
    await client.close()


async def send(http: httpx2.AsyncClient, case: Case) -> httpx2.Response:
    """The request of a case, with our token."""
    asked = case.as_transport_kwargs(base_url="http://test/fhir")
    own = {"authorization", "connection", "accept-encoding", "user-agent", "content-length"}
    headers = [
        (name.encode("latin-1", "replace"), str(value).encode("latin-1", "replace"))
        for name, value in (asked.get("headers") or {}).items()
        if name.lower() not in own
    ]
    body = asked.get("data")
    if asked.get("json") is not None:
        body = json.dumps(asked["json"])
    content = body if isinstance(body, str | bytes) else None
    form = body if isinstance(body, dict) else None
    return await http.request(
        asked["method"],
        asked["url"],
        params=asked.get("params"),
        headers=headers,
        content=content.encode("utf-8", "replace") if isinstance(content, str) else content,
        data=form,
    )


def complaint(case: Case, answer: httpx2.Response) -> str | None:
    """What is wrong with an answer."""
    described = case.operation.definition.raw["responses"]
    if answer.status_code >= 500 or str(answer.status_code) not in described:
        return f"status {answer.status_code}"
    if answer.status_code in (400, 401, 403, 404, 405, 406, 409, 410, 412, 413, 415, 422):
        if case.method == "HEAD":
            return None
        kind = answer.headers["content-type"]
        if kind == "application/fhir+json" and answer.json()["resourceType"] != "OperationOutcome":
            return "no OperationOutcome"
        if kind not in ("application/fhir+json", "application/fhir+xml"):
            return f"refused as {kind}"
    return None


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
async def test_made_up_requests(
    watched: tuple[httpx2.AsyncClient, Cursors], mode: GenerationMode
) -> None:
    http, cursors = watched
    cases = made_up(mode)
    complaints: Counter[tuple[str, str, str]] = Counter()
    statuses: Counter[int] = Counter()
    for case in cases:
        answer = await send(http, case)
        statuses[answer.status_code] += 1
        wrong = complaint(case, answer)
        if wrong is not None:
            complaints[case.method, case.operation.path, wrong] += 1
    assert not complaints
    assert statuses[200] > 50
    assert statuses[400] > 50
    assert not cursors.open


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_memory_stays_flat(watched: tuple[httpx2.AsyncClient, Cursors]) -> None:
    http, cursors = watched
    cases = made_up(GenerationMode.POSITIVE)[::3]
    for case in cases:  # fills the caches
        await send(http, case)
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for case in cases:
            await send(http, case)
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < MEMORY
    assert not cursors.open
