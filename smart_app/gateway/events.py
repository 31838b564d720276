"""/ws/encounters/{id}?after=N: every event after N, then live ones.

Each watcher reads the encounter's stream for itself, so a slow one delays nobody; one that takes
nothing for a while is closed and can come back with the last `seq` it saw.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any, cast

from starlette.websockets import WebSocket, WebSocketDisconnect

from fhir_server.auth.caller import Caller
from fhir_server.errors import InvalidParameter, Malformed, Unavailable
from fhir_server.resource import dumps
from pipelines.ports import Event
from smart_app.gateway.connection import consultations_of, converse, first

_SEND_SECONDS = 20.0


async def events_socket(socket: WebSocket) -> None:
    """Serve one watcher."""
    await converse(socket, "read", _watch)


async def _watch(socket: WebSocket, caller: Caller) -> None:
    after = _after(socket)
    await first(_send_all(socket, after), _receive_nothing(socket))


def _after(socket: WebSocket) -> int:
    text = socket.query_params.get("after", "0")
    if not (text.isascii() and text.isdigit() and len(text) <= 15):
        raise InvalidParameter("after is the seq of the last event you saw.")
    return int(text)


async def _send_all(socket: WebSocket, after: int) -> None:
    bus = consultations_of(socket).bus
    events = cast(Any, bus.follow(socket.path_params["id"], after))
    async with aclosing(events):
        async for event in events:
            await _send(socket, event)


async def _send(socket: WebSocket, event: Event) -> None:
    envelope = {
        "seq": event.seq,
        "type": event.type,
        "encounter": event.encounter,
        "at": event.at,
        "data": event.data,
    }
    try:
        async with asyncio.timeout(_SEND_SECONDS):
            await socket.send_text(dumps(envelope).decode())
    except TimeoutError:
        raise Unavailable("You read too slowly: come back with the last seq you saw.") from None


async def _receive_nothing(socket: WebSocket) -> None:
    message = await socket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1000))
    raise Malformed("This socket only sends.")
