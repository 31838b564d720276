"""A patient's name in every field of every request: it reaches no log, no output, no error text."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
import structlog
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Route
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from aimed.assembly import create_app
from aimed.logging import configure_logging
from aimed.settings import Settings
from tests.pipelines.consultation.clinic import Line
from tests.smart_app.conftest import Desk, serving
from tests.smart_app.gateway.test_audio_socket import HELLO_TEXT, frame

NAME = "Zebedee Quackenbush"
WORDS = ("zebedee", "quackenbush")
PATH_VALUES = {"type": "Patient", "operation": "everything", "name": "app.js"}
CLIENTS = ("httpx2", "httpcore2", "websockets.client")
"""What the test itself calls with."""


@pytest.fixture
async def app(desk: Desk) -> FastAPI:
    """The application as `aimed serve` has it, on the desk's server, and a route that breaks."""
    made = create_app(Settings())
    made.state.fhir = desk.fhir
    made.state.consultations = desk.consultations
    made.state.redis = None

    async def broken() -> None:
        raise RuntimeError(f"no such patient: {NAME}")

    made.add_api_route("/broken", broken)
    return made


@pytest.fixture
async def logs(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> AsyncIterator[Iterator[str]]:
    """All that was logged or printed, once it is asked for."""
    configure_logging("json")
    caplog.set_level(logging.INFO)

    def everything() -> Iterator[str]:
        yield from capfd.readouterr()
        for record in caplog.records:
            if not record.name.startswith(CLIENTS):
                yield logging.Formatter("%(name)s %(message)s").format(record)

    yield everything()
    structlog.reset_defaults()


def routes(app: FastAPI) -> Iterator[tuple[str, str]]:
    for path, one in _all(app.routes, ""):
        if isinstance(one, Route | APIRoute):
            yield from ((method, path) for method in sorted(one.methods or ()))


def _all(found: list[BaseRoute], prefix: str) -> Iterator[tuple[str, BaseRoute]]:
    for one in found:
        if hasattr(one, "original_router"):
            inner = f"{prefix}{one.include_context.prefix}"  # type: ignore[attr-defined]
            yield from _all(one.original_router.routes, inner)
        elif isinstance(one, Route | APIRoute):
            yield prefix + one.path, one


def addresses(path: str) -> Iterator[str]:
    """The route's address with the name in its variable parts, and as an id if it may be one."""
    for usual, id in ((True, NAME.replace(" ", ".")), (True, NAME), (False, NAME)):
        parts = []
        for part in path.split("/"):
            name = part.strip("${}").partition(":")[0]
            value = PATH_VALUES.get(name, id) if usual else NAME
            filled = ("$" if part.startswith("$") else "") + quote(value)
            parts.append(filled if "{" in part else part)
        yield "/".join(parts)


PATIENT = {"resourceType": "Patient", "id": NAME.replace(" ", "."), "name": [{"text": NAME}]}
SENT: list[tuple[str, bytes]] = [
    ("application/fhir+json", json.dumps(PATIENT).encode()),
    ("application/fhir+json", json.dumps({**PATIENT, NAME: NAME, "gender": NAME}).encode()),
    ("application/fhir+json", json.dumps([{"op": NAME, "path": f"/{NAME}"}]).encode()),
    ("application/json-patch+json", json.dumps([{"op": "test", "path": f"/{NAME}"}]).encode()),
    ("application/json", f'{{"{NAME}": "{NAME}", "{NAME}": "{NAME}'.encode()),
    ("application/json", f'{{"{NAME}": 1, "{NAME}": {NAME}}}'.encode()),
    ("application/json", json.dumps({"username": NAME, "password": NAME}).encode()),
    ("application/json", json.dumps({"patient": NAME, "consent": NAME, "reason": NAME}).encode()),
    ("application/json", json.dumps({"client_name": NAME, "redirect_uris": [NAME]}).encode()),
    ("application/fhir+xml", f'<Patient xmlns="{NAME}"><{NAME} value="{NAME}"/>'.encode()),
    ("application/x-www-form-urlencoded", f"name={NAME}&{NAME}={NAME}&grant_type={NAME}".encode()),
    ("application/x-www-form-urlencoded", f"client_id={NAME}&token={NAME}&{NAME}=\xff".encode()),
    (f"text/plain; x={NAME}", NAME.encode()),
    ("", f"\x00\xff{NAME}".encode("latin-1")),
]


async def ask(app: FastAPI, token: str) -> list[httpx2.Response]:
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    answers = []
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        for number, (method, path) in enumerate(sorted(set(routes(app)))):
            for variant, address in enumerate(addresses(path)):
                kind, body = SENT[(number * 3 + variant) % len(SENT)]
                nobody = path == "/auth/logout" or (variant == 2 and number % 2)
                bearer = NAME if nobody else token
                request = client.build_request(
                    method,
                    f"{address}?name={quote(NAME)}&{quote(NAME)}={quote(NAME)}&state={NAME}",
                    headers=headers(bearer, kind),
                    content=body if method in ("POST", "PUT", "PATCH") else None,
                )
                answers.append(await client.send(request))
        for kind, body in SENT:
            for method, path in (
                ("POST", "/fhir/Patient"),
                ("POST", "/fhir"),
                ("POST", "/fhir/Patient/_search"),
                ("PUT", f"/fhir/Patient/{PATIENT['id']}"),
                ("PATCH", f"/fhir/Patient/{PATIENT['id']}"),
                ("POST", "/fhir/Patient/$validate"),
                ("POST", "/auth/login"),
                ("POST", "/auth/token"),
                ("POST", "/auth/register"),
                ("POST", "/api/encounters"),
            ):
                plain = {"Authorization": f"Bearer {token}", "Content-Type": kind}
                answers.append(await client.request(method, path, content=body, headers=plain))
                plain["Content-Encoding"] = "gzip"
                packed = gzip.compress(body)[: -2 if len(answers) % 3 == 0 else None]
                answers.append(await client.request(method, path, content=packed, headers=plain))
    return answers


def headers(token: str, kind: str) -> dict[str, str]:
    names = (
        "Accept", "Prefer", "If-Match", "If-None-Match", "If-None-Exist", "If-Modified-Since",
        "X-Request-Id", "User-Agent", "Origin", "Referer", "Cookie", "Range", "X-Forwarded-For",
        "traceparent", "X-Provenance", "Accept-Language",
    )  # fmt: skip
    return {**dict.fromkeys(names, NAME), "Authorization": f"Bearer {token}", "Content-Type": kind}


async def talk(port: int, desk: Desk) -> None:
    """Every field of both sockets, and the name said in a consultation."""
    desk.script.lines = [
        Line(0, 0.1, 0.5, f"My name is {NAME}."),
        Line(0, 0.6, 0.9, "FAIL " + NAME),
    ]
    desk.script.failures = 1
    encounter = await desk.begin(reason=NAME)
    own = {"Authorization": f"Bearer {desk.token}"}
    for path in (f"/ws/encounters/{encounter}", f"/ws/encounters/{quote(NAME)}"):
        for messages in ([NAME], [HELLO_TEXT, frame(0), NAME], [NAME.encode()], [HELLO_TEXT]):
            for given in (own, {"Authorization": f"Bearer {NAME}"}, {"Origin": NAME}):
                for suffix in (f"?after={quote(NAME)}", "", "/audio"):
                    await _exchange(f"ws://127.0.0.1:{port}{path}{suffix}", given, messages)
    async with desk.socket(f"/ws/encounters/{encounter}/audio") as socket:
        await socket.send(HELLO_TEXT)
        for number in range(12):
            await socket.send(frame(number))
        await socket.send('{"type":"stop"}')
        async with asyncio.timeout(60):
            while "stopped" not in str(await socket.recv()):
                pass


async def _exchange(url: str, given: dict[str, str], messages: list[Any]) -> None:
    extra = {**given, "X-Name": NAME}
    try:
        async with connect(url, additional_headers=extra, open_timeout=60) as socket:
            for message in messages:
                await socket.send(message)
            async with asyncio.timeout(0.05):
                await socket.recv()
    except (ConnectionClosed, InvalidStatus, TimeoutError):
        return


def said(text: str) -> bool:
    return any(word in text.lower() for word in WORDS)


async def test_a_name_in_every_field(desk: Desk, app: FastAPI, logs: Iterator[str]) -> None:
    answers = await ask(app, desk.token)
    async with serving(app) as port:
        await talk(port, desk)
    written = list(logs)
    assert len(answers) > 300
    assert sum(text.count('"event": "request"') for text in written) >= len(answers)
    assert any('"fault": "RuntimeError"' in text for text in written)
    assert [line for text in written for line in text.splitlines() if said(line)] == []
    for answer in answers:
        assert answer.status_code < 500 or answer.request.url.path in ("/broken", "/health/ready")
        if answer.status_code >= 500:
            assert not said(answer.text)
