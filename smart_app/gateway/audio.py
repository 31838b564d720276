"""/ws/encounters/{id}/audio: a microphone. docs/architecture.md, HTTP and sockets"""

from __future__ import annotations

import asyncio

from starlette.websockets import WebSocket, WebSocketDisconnect

from fhir_server.auth.caller import Caller
from fhir_server.errors import Malformed, Unavailable, VersionConflict
from pipelines.consultation.microphone import Microphone
from pipelines.store import FrameGap
from smart_app.gateway.audio_messages import Start, Stop, parse_frame, parse_text
from smart_app.gateway.close_codes import NORMAL
from smart_app.gateway.connection import consultations_of, converse, first


async def audio_socket(socket: WebSocket) -> None:
    """Serve one microphone."""
    await converse(socket, "update", _record)


async def _record(socket: WebSocket, caller: Caller) -> None:
    hello = await _receive(socket)
    if isinstance(hello, bytes):
        raise Malformed("Say start before sending audio.")
    if isinstance(hello, Stop):
        raise Malformed("Say start before stop.")
    consultations, encounter = consultations_of(socket), socket.path_params["id"]
    microphone = await consultations.microphone(encounter, hello.audio)
    try:
        durable = microphone.durable
        await socket.send_json({"type": "ready", "next": microphone.next_frame})
        await first(
            _take(socket, microphone),
            _acknowledge(socket, microphone, durable),
            _until_ended(microphone),
        )
        await _farewell(socket, microphone)
    finally:
        await consultations.release(encounter, microphone)


async def _receive(socket: WebSocket) -> Start | Stop | bytes:
    message = await socket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1000))
    text: str | None = message.get("text")
    return parse_text(text) if text is not None else bytes(message["bytes"])


async def _take(socket: WebSocket, microphone: Microphone) -> None:
    while True:
        message = await _receive(socket)
        if isinstance(message, Start):
            raise Malformed("This recording has started.")
        if isinstance(message, Stop):
            await consultations_of(socket).stop(socket.path_params["id"])
            return
        try:
            await _frame(socket, microphone, message)
        except VersionConflict:
            # Stopped or replaced meanwhile; a conflict in the store fails `_acknowledge` instead.
            await _until_ended(microphone)
            return


async def _frame(socket: WebSocket, microphone: Microphone, message: bytes) -> None:
    number, pcm = parse_frame(message)
    repeated = number < microphone.durable
    try:
        await microphone.append(number, pcm)
    except FrameGap as gap:
        await socket.send_json({"type": "error", "code": "frame-gap", "next": gap.next})
        return
    if repeated:
        await socket.send_json({"type": "ack", "next": microphone.durable})


async def _acknowledge(socket: WebSocket, microphone: Microphone, acknowledged: int) -> None:
    while True:
        durable = await microphone.wait_durable(acknowledged)
        if durable <= acknowledged:
            await _until_ended(microphone)
            return
        acknowledged = durable
        await socket.send_json({"type": "ack", "next": durable})


async def _until_ended(microphone: Microphone) -> None:
    await asyncio.shield(microphone.ended)


async def _farewell(socket: WebSocket, microphone: Microphone) -> None:
    why = await microphone.ended
    if why == "taken-over":
        raise VersionConflict("Another microphone has taken over.")
    if why == "failed":
        raise Unavailable("The recording was interrupted on our side. Come back.")
    await socket.send_json({"type": "ack", "next": microphone.durable})
    await _stopped(socket)


async def _stopped(socket: WebSocket) -> None:
    await socket.send_json({"type": "stopped"})
    await socket.close(NORMAL)
