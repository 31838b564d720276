"""What holds on every route of the whole application. OWASP ASVS 5.0 V3.3, V3.4, V13.4, V16.5."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import httpx2
import pytest
from fastapi import FastAPI

from aimed.assembly import create_app
from aimed.settings import Settings
from tests.smart_app.conftest import Desk
from tests.smart_app.test_nothing_leaks import routes

OPEN = {
    "/static/{name}", "/health/live",
    "/fhir/metadata", "/fhir/openapi.json", "/fhir/.well-known/smart-configuration",
    "/.well-known/smart-configuration", "/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server", "/.well-known/oauth-protected-resource",
    "/.well-known/oauth-protected-resource/fhir", "/fhir/.well-known/openid-configuration",
    "/auth/jwks", "/auth/authorize", "/auth/smart-style.json", "/auth/ways",
}  # fmt: skip
"""Routes that answer anybody who comes without anything, beside the pages, which are the same for
everybody. A new one has to be meant to be here."""

INSIDE = re.compile(r"traceback|\.py\b|pymongo|uvicorn|starlette|fastapi|RuntimeError", re.I)
VALUES = {"type": "Patient", "name": "app.js", "operation": "everything"}


@pytest.fixture
async def anybody(desk: Desk) -> AsyncIterator[tuple[FastAPI, httpx2.AsyncClient]]:
    """The application as `aimed serve` has it with a route that breaks, and a client over TLS."""
    app = create_app(Settings())
    app.state.fhir = desk.fhir
    app.state.consultations = desk.consultations
    app.state.redis = None

    async def broken() -> None:
        raise RuntimeError("inner workings")

    app.add_api_route("/broken", broken)
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="https://test") as client:
        yield app, client


def filled(path: str) -> str:
    return re.sub(r"\{(\w+)(:\w+)?\}", lambda one: VALUES.get(one[1], "x"), path)


def is_open(path: str, answer: httpx2.Response) -> bool:
    return path in OPEN or answer.headers.get("content-type", "").startswith("text/html")


async def answers(
    app: FastAPI, client: httpx2.AsyncClient, token: str | None
) -> list[tuple[str, str, httpx2.Response]]:
    """Method, route and answer of every route of the application."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    found = []
    # Signing out last: it ends the token.
    for method, path in sorted(set(routes(app)), key=lambda one: (one[1] == "/auth/logout", one)):
        found.append((method, path, await client.request(method, filled(path), headers=headers)))
    return found


async def test_headers_of_every_answer(
    desk: Desk, anybody: tuple[FastAPI, httpx2.AsyncClient]
) -> None:
    seen = [*await answers(*anybody, desk.token), *await answers(*anybody, None)]
    assert len(seen) > 100
    for _, path, answer in seen:
        headers, status = answer.headers, answer.status_code
        policy = headers["content-security-policy"]
        for part in ("default-src 'none'", "object-src 'none'", "base-uri 'none'"):
            assert part in policy, (path, status, policy)
        assert "frame-ancestors 'none'" in policy, (path, status)
        assert "unsafe" not in policy, (path, status)
        assert headers["x-content-type-options"] == "nosniff", (path, status)
        assert headers["referrer-policy"] == "no-referrer", (path, status)
        assert headers["strict-transport-security"] == "max-age=31536000; includeSubDomains"
        assert "no-store" in headers["cache-control"] or is_open(path, answer), (path, status)
        assert "set-cookie" not in headers, (path, status)
        assert "server" not in headers, (path, status)
        assert "x-powered-by" not in headers, (path, status)
        assert answer.is_success or not INSIDE.search(answer.text), (path, answer.text)
        if answer.content and status != 304:
            kind = headers["content-type"]
            needs_charset = kind.startswith("text/") or "xml" in kind
            assert not needs_charset or "charset=utf-8" in kind or "svg" in kind, (path, kind)


async def test_only_these_answer_without_a_token(
    anybody: tuple[FastAPI, httpx2.AsyncClient],
) -> None:
    for method, path, answer in await answers(*anybody, None):
        assert not answer.is_success or is_open(path, answer), (method, path)
        if path.startswith(("/fhir/{", "/api/", "/auth/sessions", "/auth/account")):
            assert answer.status_code in (400, 401, 404, 405), (method, path, answer.status_code)


OWN = ("/api/", "/auth/account", "/auth/authorize/", "/auth/emergency", "/auth/launches")
BODIES = (b"", b"[]", b'{"unknown": 1}', b'{"password": {"x": 1}}')
"""What is no JSON is refused on every route alike, before anybody looks who sent it."""


@pytest.mark.parametrize("token", [None, "made-up"])
async def test_the_token_is_judged_before_the_body(
    anybody: tuple[FastAPI, httpx2.AsyncClient], token: str | None
) -> None:
    app, client = anybody
    headers = {"Content-Type": "application/json"}
    headers |= {"Authorization": f"Bearer {token}"} if token else {}
    asked = 0
    for method, path in sorted(set(routes(app))):
        if method not in ("POST", "PUT", "PATCH") or not path.startswith(OWN):
            continue
        for body in BODIES:
            answer = await client.request(method, filled(path), content=body, headers=headers)
            assert answer.status_code == 401, (method, path, body, answer.text)
            asked += 1
    assert asked > 100


async def test_nothing_else_is_there(anybody: tuple[FastAPI, httpx2.AsyncClient]) -> None:
    _, client = anybody
    for path in (
        "/docs", "/redoc", "/openapi.json", "/metrics", "/debug", "/static", "/static/",
        "/static/..%2Froutes.py", "/static/%2e%2e/routes.py", "/.git/config", "/.env",
        "/pyproject.toml", "/admin.php", "/server-status",
    ):  # fmt: skip
        answer = await client.get(path)
        assert answer.status_code == 404, path
    for path in ("/", "/fhir/Patient", "/auth/login", "/static/app.js"):
        for method in ("TRACE", "TRACK", "CONNECT"):
            answer = await client.request(method, path)
            assert answer.status_code in (401, 405), (method, path, answer.status_code)


async def test_a_fault_tells_nothing_of_the_inside(
    anybody: tuple[FastAPI, httpx2.AsyncClient],
) -> None:
    app, client = anybody
    assert app.debug is False
    answer = await client.get("/broken")
    assert answer.status_code == 500
    assert answer.headers["x-request-id"] in answer.text
    assert "inner workings" not in answer.text
    assert not INSIDE.search(answer.text)
