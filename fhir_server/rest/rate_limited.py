"""Counts every request by its peer's address and refuses the ones that are too many. RFC 6585 4."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from fhir_server import errors
from fhir_server.rest.errors import answer_to
from fhir_server.server import FhirServer


class RateLimited:
    """The middleware. By account and by application `fhir_server.rest.caller` counts."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 429; a WebSocket is refused before it is accepted."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        fhir: FhirServer = scope["app"].state.fhir
        peer = scope.get("client")
        method = scope.get("method", "WEBSOCKET")
        try:
            await fhir.rate_limits.arrived(method, scope["path"], peer[0] if peer else None)
        except errors.RateLimited as refusal:
            await _refuse(scope, receive, send, refusal)
            return
        await self._app(scope, receive, send)


async def _refuse(scope: Scope, receive: Receive, send: Send, refusal: errors.RateLimited) -> None:
    if scope["type"] == "http":
        await answer_to(Request(scope), refusal)(scope, receive, send)
        return
    socket = WebSocket(scope, receive, send)
    if "websocket.http.response" in scope.get("extensions", {}):
        await socket.send_denial_response(Response(None, refusal.status, refusal.headers))
    else:
        await socket.close()
