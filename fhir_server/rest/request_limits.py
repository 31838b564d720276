"""Limits on what a request may be, before anybody reads it. RFC 6585 section 5, RFC 9110 15.5.15.

Bodies under /fhir have their own limits, in `fhir_server.rest.body`, and so have HL7 v2 messages
(`integrations.hl7v2.http`). All others are short: they
are read here as far as their limit, which also holds when no length is declared.
"""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from fhir_server.errors import FhirError, HeadersTooLarge, Malformed, TooLarge, UriTooLong
from fhir_server.formats.nesting import check_nesting
from fhir_server.resource import loads
from fhir_server.rest.errors import answer_to
from fhir_server.server import FhirServer
from fhir_server.settings import RequestSettings

_OWN_LIMITS = ("/fhir", "/hl7v2")
_STRICT_ITSELF = "/auth/register"
"""Reads its JSON strictly, and has an error of its own for what is none (RFC 7591 3.2.2)."""


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
            if scope["type"] == "http" and not scope["path"].startswith(_OWN_LIMITS):
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
    if limits.hosts and not scope["path"].startswith("/health/"):
        _check_host(scope, limits)
    if len(path) + len(scope["query_string"]) > limits.url:
        raise UriTooLong(f"An address here has at most {limits.url} bytes. Use POST to search.")
    headers: Sequence[tuple[bytes, bytes]] = scope["headers"]
    if {b"content-length", b"transfer-encoding"} <= {name for name, _ in headers}:
        # The server reads on by one of them and a proxy before it perhaps by the other: what
        # follows on this connection cannot be trusted. RFC 9112 section 6.3, ASVS 5.0 V4.2.1.
        raise Malformed(
            "A request says its length by Content-Length or by Transfer-Encoding, not by both.",
            headers={"Connection": "close"},
        )
    size = sum(len(name) + len(value) for name, value in headers)
    if len(headers) > limits.headers or size > limits.header_bytes:
        raise HeadersTooLarge(
            f"A request has at most {limits.headers} headers of {limits.header_bytes} bytes."
        )


def _check_host(scope: Scope, limits: RequestSettings) -> None:
    """Refuse a name that is not this server's. RFC 9110 7.2, RFC 7523 section 3.

    Issuer and audience are made of the name that the client used. An assertion that another server
    was given would be good here for whoever sends that server's name along.
    """
    named = [value for name, value in scope["headers"] if name == b"host"]
    if len(named) != 1 or named[0].decode("latin-1").lower() not in limits.hosts:
        raise Malformed("This server is not reached by that name.")


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
    if body and _is_json(scope):
        loads(
            bytes(body)
        )  # what reads it afterwards would take NaN, and of two equal keys the last
    return _first({"type": "http.request", "body": bytes(body), "more_body": False}, receive)


def _is_json(scope: Scope) -> bool:
    if scope["path"].startswith(_STRICT_ITSELF):
        return False
    kind = next((value for name, value in scope["headers"] if name == b"content-type"), b"")
    return b"json" in kind.partition(b";")[0].lower()


def _first(message: Message, receive: Receive) -> Receive:
    waiting = [message]

    async def give() -> Message:
        return waiting.pop() if waiting else await receive()

    return give


def _too_large(limits: RequestSettings) -> TooLarge:
    return TooLarge(f"A body here has at most {limits.body} bytes.")
