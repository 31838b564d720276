"""The addresses of the sockets."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection

import structlog
from fastapi import APIRouter
from starlette.websockets import WebSocket

from smart_app.gateway.audio import audio_socket
from smart_app.gateway.events import events_socket
from smart_app.gateway.origins import may_open

Serve = Callable[[WebSocket], Awaitable[None]]
_log = structlog.get_logger("aimed.gateway")


def gateway_router(origins: Collection[str] = ()) -> APIRouter:
    """The routes under /ws. They use `app.state.fhir` and `app.state.consultations`.

    `origins` are those of web pages, beside the server's own, that may open a socket.
    """
    router = APIRouter()
    for path, serve in (
        ("/ws/encounters/{id}", events_socket),
        ("/ws/encounters/{id}/audio", audio_socket),
    ):
        router.add_api_websocket_route(path, _guarded(serve, origins))
    return router


def _guarded(serve: Serve, origins: Collection[str]) -> Serve:
    async def endpoint(socket: WebSocket) -> None:
        if not may_open(socket, origins):
            _log.warning("socket refused", reason="origin")
            await socket.close()  # before it is accepted, which makes it a 403
            return
        await serve(socket)

    return endpoint
