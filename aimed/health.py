"""GET /health/live and /health/ready, for load balancers, containers and `aimed up`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse

_PATIENCE_SECONDS = 2.0


def health_router() -> APIRouter:
    """The two routes; neither needs a token, neither says more than yes or no per part."""
    router = APIRouter(prefix="/health")
    router.add_api_route("/live", _live, methods=["GET"], response_model=None)
    router.add_api_route("/ready", _ready, methods=["GET"], response_model=None)
    return router


async def _live() -> JSONResponse:
    return JSONResponse({"status": "ok"})


async def _ready(request: Request) -> JSONResponse:
    state = request.app.state
    parts = {
        "mongo": await _answers(state.fhir.server.store.ping()),
        "redis": await _answers(state.redis.ping()),
    }
    ready = all(parts.values())
    body = {
        "status": "ok" if ready else "unavailable",
        "parts": {name: "ok" if up else "unavailable" for name, up in parts.items()},
    }
    return JSONResponse(body, 200 if ready else 503)


async def _answers(ping: Awaitable[object]) -> bool:
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            await ping
    except Exception:
        return False
    return True
