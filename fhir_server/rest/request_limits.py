"""Limits on what a request may be, before anybody reads it. RFC 6585 section 5, RFC 9110 15.5.15.

Bodies under /fhir have their own limits, in `fhir_server.rest.body`. All others are short: they
are read here as far as their limit, which also holds when no length is declared.
"""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from fhir_server.errors import FhirError, HeadersTooLarge, TooLarge, UriTooLong
from fhir_server.formats.nesting import check_nesting
from fhir_server.rest.errors import answer_to
from fhir_server.server import FhirServer
from fhir_server.settings import RequestSettings


class RequestLimits:
    """The middleware. A WebSocket over the limits is refused before it is accepted."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 400, 413, 414 or 431."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        fhir: FhirServer = scope["app"].state.fhir
        limits = fhir.server.settings.requests
        try:
            _check_head(scope, limits)
            if scope["type"] == "http" and not scope["path"].startswith("/fhir"):
                receive = await _read(scope, receive, limits)
        except FhirError as refusal:
            if scope["type"] == "http":
                await answer_to(Request(scope), refusal)(scope, receive, send)
            else:
                await WebSocket(scope, receive, send).close()
            return
        await self._app(scope, receive, send)


def _check_head(scope: Scope, limits: RequestSettings) -> None:
    path = scope.get("raw_path") or scope["path"].encode()
    if len(path) + len(scope["query_string"]) > limits.url:
        raise UriTooLong(f"An address here has at most {limits.url} bytes. Use POST to search.")
    headers: Sequence[tuple[bytes, bytes]] = scope["headers"]
    size = sum(len(name) + len(value) for name, value in headers)
    if len(headers) > limits.headers or size > limits.header_bytes:
        raise HeadersTooLarge(
            f"A request has at most {limits.headers} headers of {limits.header_bytes} bytes."
        )


async def _read(scope: Scope, receive: Receive, limits: RequestSettings) -> Receive:
    """What gives the whole body at once. Raises `TooLarge`, and `Malformed` when too deep."""
    declared = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    if declared.isdigit() and int(declared) > limits.body:
        raise _too_large(limits)
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return _first(message, receive)
        body += message.get("body", b"")
        if len(body) > limits.body:
            raise _too_large(limits)
        if not message.get("more_body", False):
            break
    check_nesting(bytes(body), limits.json_depth)
    return _first({"type": "http.request", "body": bytes(body), "more_body": False}, receive)


def _first(message: Message, receive: Receive) -> Receive:
    waiting = [message]

    async def give() -> Message:
        return waiting.pop() if waiting else await receive()

    return give


def _too_large(limits: RequestSettings) -> TooLarge:
    return TooLarge(f"A body here has at most {limits.body} bytes.")
