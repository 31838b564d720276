"""Logs hold ids, routes and types; never what a request said."""

from __future__ import annotations

import httpx2
import structlog
from fastapi import FastAPI

from aimed.logging import RequestLog


async def one(patient: str) -> dict[str, str]:
    return {"id": patient}


def client(ids: list[str]) -> httpx2.AsyncClient:
    app = FastAPI()
    app.add_api_route("/fhir/Patient/{patient}", one)
    app.add_middleware(RequestLog, new_id=ids.pop, observe=lambda *_: None)
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://test")


async def test_a_request_is_logged_by_route_with_the_id_it_was_answered_with() -> None:
    async with client(["made"]) as api:
        with structlog.testing.capture_logs([structlog.contextvars.merge_contextvars]) as logs:
            answer = await api.get("/fhir/Patient/nightingale?name=Florence")
    assert answer.headers["x-request-id"] == "made"
    (line,) = logs
    assert {name: line[name] for name in ("method", "route", "status", "request_id")} == {
        "method": "GET",
        "route": "/fhir/Patient/{patient}",
        "status": 200,
        "request_id": "made",
    }
    assert "nightingale" not in str(logs)
    assert "Florence" not in str(logs)


async def test_a_plain_request_id_is_kept_and_any_other_replaced() -> None:
    async with client(["second", "first"]) as api:
        kept = await api.get("/fhir/Patient/a", headers={"X-Request-Id": "abc-1"})
        spaced = await api.get("/nowhere", headers={"X-Request-Id": "a b"})
        long = await api.get("/nowhere", headers={"X-Request-Id": "a" * 65})
    given = [answer.headers["x-request-id"] for answer in (kept, spaced, long)]
    assert given == ["abc-1", "first", "second"]
