"""Cross-origin calls of browser applications. https://fetch.spec.whatwg.org/#http-cors-protocol

SMART App Launch 2.2 (conformance): the metadata answers every origin; the token endpoint and FHIR
those of registered redirect URIs. No cookie is ever involved, so credentials are not allowed.
"""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

Origins = Callable[[], Awaitable[set[str]]]

_PUBLIC = re.compile(r"/fhir/metadata|(/fhir)?/\.well-known/.*|/auth/(jwks|smart-style\.json)")
_OF_CLIENTS = re.compile(r"/fhir(/.*)?|/auth/(token|revoke|introspect)")
_ALLOWED = {
    "Access-Control-Allow-Methods": "GET, HEAD, POST, PUT, PATCH, DELETE",
    "Access-Control-Allow-Headers": "Accept, Authorization, Content-Type, If-Match, "
    "If-Modified-Since, If-None-Exist, If-None-Match, Prefer, X-Request-Id",
    "Access-Control-Max-Age": "600",
}
_EXPOSED = (
    "Content-Location, ETag, Last-Modified, Location, RateLimit, RateLimit-Policy, Retry-After, "
    "X-Request-Id"
)
_FRESH_SECONDS = 5.0
"""How long a registration may take to show. Asking MongoDB costs some 1 ms a request."""


class CrossOrigin:
    """The middleware. `origins` gives the origins of registered applications."""

    def __init__(self, app: ASGIApp, origins: Callable[[Scope], Origins]) -> None:
        self._app = app
        self._origins = origins
        self._known: set[str] = set()
        self._until = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a preflight, or add the headers to what the application answers."""
        origin = Headers(scope=scope).get("origin") if scope["type"] == "http" else None
        if origin is None:
            await self._app(scope, receive, send)
            return
        allowed = await self._allows(origin, scope)
        headers = Headers(scope=scope)
        if scope["method"] == "OPTIONS" and "access-control-request-method" in headers:
            await Response(status_code=204, headers=_preflight(origin, allowed))(
                scope, receive, send
            )
            return

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                made = MutableHeaders(scope=message)
                made.add_vary_header("Origin")
                if allowed:
                    made["Access-Control-Allow-Origin"] = origin
                    made["Access-Control-Expose-Headers"] = _EXPOSED
            await send(message)

        await self._app(scope, receive, answer)

    async def _allows(self, origin: str, scope: Scope) -> bool:
        path = scope["path"]
        if _PUBLIC.fullmatch(path):
            return True
        if not _OF_CLIENTS.fullmatch(path):
            return False
        if time.monotonic() >= self._until:
            self._known = await self._origins(scope)()
            self._until = time.monotonic() + _FRESH_SECONDS
        return origin in self._known


def _preflight(origin: str, allowed: bool) -> dict[str, str]:
    vary = {"Vary": "Origin"}
    return {"Access-Control-Allow-Origin": origin, **_ALLOWED, **vary} if allowed else vary
