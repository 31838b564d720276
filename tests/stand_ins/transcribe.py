"""Amazon Transcribe streaming as its documentation has it, strict, on a socket of this machine.

It checks signatures and parameters, speaks the event stream encoding both ways with code of its
own, hears what `recognition` hears, and fails as it is told. Also a program, to be killed:
`python -m tests.stand_ins.transcribe PORT` serves the sample consultation.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import struct
import sys
import uuid
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from tests.stand_ins.recognition import RATE, Listener, Said, UnknownAudio
from tests.stand_ins.sigv4 import Key, Refused, check

REGION = "eu-west-2"
KEY = Key("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
GENERAL, MEDICAL = "/stream-transcription-websocket", "/medical-stream-transcription-websocket"
_AUDIO = {
    ":content-type": "application/octet-stream",
    ":event-type": "AudioEvent",
    ":message-type": "event",
}
_COMMON = {
    "language-code",
    "media-encoding",
    "sample-rate",
    "session-id",
    "vocabulary-name",
    "show-speaker-label",
    "enable-channel-identification",
    "number-of-channels",
}
_GENERAL = _COMMON | {
    "vocabulary-filter-name",
    "vocabulary-filter-method",
    "enable-partial-results-stabilization",
    "partial-results-stability",
}
_MEDICAL = _COMMON | {"specialty", "type"}
IDLE = "Your request timed out because no new audio was received for 15 seconds."


@dataclass
class Fault:
    """What goes wrong in stream number `stream` (from 1) once `after` seconds of audio came.

    `kind` is `close` (without a word), `hang` (nothing more is said), or the name of an exception;
    `refuse 503` and the like answers the upgrade.
    """

    stream: int
    kind: str
    after: float = 0.0


@dataclass
class Heard:
    """One stream as the service saw it."""

    path: str
    query: dict[str, str]
    audio: bytearray = field(default_factory=bytearray)
    frames: list[int] = field(default_factory=list)
    arrivals: list[float] = field(default_factory=list)
    ended: bool = False
    violations: list[str] = field(default_factory=list)


@dataclass
class Service:
    """The stand-in. `recording` has the interleaved audio in which `turns` are said."""

    recording: bytes
    turns: list[Said]
    key: Key = KEY
    region: str = REGION
    silence_limit: float = 15.0
    faults: list[Fault] = field(default_factory=list)
    delay: float = 0.0
    reorder: bool = False
    """Send the finals of a channel's neighbouring turns in the wrong order."""
    streams: list[Heard] = field(default_factory=list)
    attempts: int = 0
    refusals: list[str] = field(default_factory=list)
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    _running: dict[str, ServerConnection] = field(default_factory=dict)

    def admit(self, connection: ServerConnection, request: Request) -> Response | None:
        """Refuse what is not signed or not asked for as documented."""
        self.attempts += 1
        for fault in self.faults:
            if fault.stream == self.attempts and fault.kind.startswith("refuse "):
                return _refusal(connection, int(fault.kind.split()[1]), "told to")
        try:
            check(
                request.path,
                request.headers["Host"],
                self.key,
                self.region,
                "transcribe",
                self.clock(),
            )
        except (Refused, ValueError, KeyError) as refused:
            self.refusals.append(str(refused))
            return _refusal(connection, 403, "The request signature we calculated does not match")
        problem = _problem(request.path)
        if problem:
            self.refusals.append(problem)
            return _refusal(connection, 400, problem)
        return None

    async def handle(self, connection: ServerConnection) -> None:
        """One stream."""
        assert connection.request is not None
        parts = urlsplit(connection.request.path)
        query = dict(parse_qsl(parts.query))
        heard = Heard(parts.path, query)
        self.streams.append(heard)
        earlier = self._running.get(query["session-id"])
        if earlier is not None:
            await _except(earlier, "ConflictException", "A new stream started with this session.")
        self._running[query["session-id"]] = connection
        try:
            await self._listen(connection, heard)
        except ConnectionClosed:
            pass
        finally:
            if self._running.get(query["session-id"]) is connection:
                del self._running[query["session-id"]]

    async def _listen(self, connection: ServerConnection, heard: Heard) -> None:
        channels = int(heard.query.get("number-of-channels", "1"))
        listener = Listener(self.recording, self.turns, channels)
        faults = [one for one in self.faults if one.stream == self.attempts]
        back: list[dict[str, Any]] = []
        while not heard.ended:
            try:
                async with asyncio.timeout(self.silence_limit):
                    data = await connection.recv()
            except TimeoutError:
                await _except(connection, "BadRequestException", IDLE)
                return
            try:
                assert isinstance(data, bytes), "text frame"
                headers, pcm = decode(data)
                assert headers == _AUDIO, "headers"
                assert len(pcm) <= RATE * 2 * channels, "more than a second"
                assert len(pcm) % (2 * channels) == 0, "half a sample"
            except AssertionError as problem:
                heard.violations.append(str(problem))
                await _except(connection, "BadRequestException", "Could not decode the audio.")
                return
            heard.frames.append(len(pcm))
            heard.arrivals.append(asyncio.get_running_loop().time())
            heard.audio += pcm
            heard.ended = not pcm
            try:
                results = listener.hear(pcm) if pcm else listener.finish()
            except UnknownAudio:
                heard.violations.append("unknown audio")
                await _except(connection, "BadRequestException", "Could not decode the audio.")
                return
            for fault in faults:
                if len(heard.audio) / (RATE * 2 * channels) >= fault.after:
                    if fault.kind == "hang":
                        await connection.wait_closed()
                    elif fault.kind == "close":
                        connection.transport.abort()
                    else:
                        await _except(connection, fault.kind, "told to")
                    return
            if self.delay:
                await asyncio.sleep(self.delay)
            for result in self._ordered(results, back, heard.ended):
                body = {"Transcript": {"Results": [result]}}
                await connection.send(encode_event("TranscriptEvent", body))
        await connection.close(1000)

    def _ordered(
        self, results: list[dict[str, Any]], back: list[dict[str, Any]], ended: bool
    ) -> list[dict[str, Any]]:
        """With `reorder`, each final waits until after the next one of any channel."""
        if not self.reorder:
            return results
        sent: list[dict[str, Any]] = []
        for result in results:
            if result["IsPartial"]:
                sent.append(result)
            elif back:
                sent += [result, back.pop()]
            else:
                back.append(result)
        return [*sent, *back] if ended else sent


def decode(message: bytes) -> tuple[dict[str, str], bytes]:
    """Headers and payload of one whole message, checked by its CRCs."""
    assert len(message) >= 16, "short"
    total, length, crc = struct.unpack("!III", message[:12])
    assert total == len(message), "length"
    assert zlib.crc32(message[:8]) == crc, "prelude crc"
    assert zlib.crc32(message[:-4]) == struct.unpack("!I", message[-4:])[0], "message crc"
    head, headers = message[12 : 12 + length], {}
    while head:
        size = head[0]
        name, kind = head[1 : 1 + size].decode(), head[1 + size]
        assert kind == 7, "header type"
        (long,) = struct.unpack("!H", head[2 + size : 4 + size])
        headers[name] = head[4 + size : 4 + size + long].decode()
        head = head[4 + size + long :]
    return headers, message[12 + length : -4]


def encode(headers: dict[str, str], payload: bytes) -> bytes:
    head = b""
    for name, value in headers.items():
        head += bytes([len(name)]) + name.encode() + b"\x07"
        head += struct.pack("!H", len(value.encode())) + value.encode()
    start = struct.pack("!II", 16 + len(head) + len(payload), len(head))
    start += struct.pack("!I", zlib.crc32(start))
    message = start + head + payload
    return message + struct.pack("!I", zlib.crc32(message))


def encode_event(name: str, body: dict[str, Any]) -> bytes:
    headers = {
        ":event-type": name,
        ":content-type": "application/json",
        ":message-type": "event",
    }
    return encode(headers, json.dumps(body).encode())


async def _except(connection: ServerConnection, name: str, message: str) -> None:
    headers = {
        ":exception-type": name,
        ":content-type": "application/json",
        ":message-type": "exception",
    }
    await connection.send(encode(headers, json.dumps({"Message": message}).encode()))
    await connection.close(1000)


def _refusal(connection: ServerConnection, status: int, text: str) -> Response:
    response = connection.respond(HTTPStatus(status), json.dumps({"message": text}))
    if status == 429:
        response.headers["Retry-After"] = "7"
    return response


def _problem(target: str) -> str | None:
    """What the service would not take of a request."""
    parts = urlsplit(target)
    pairs = [
        (name, value) for name, value in parse_qsl(parts.query) if not name.startswith("X-Amz-")
    ]
    query = dict(pairs)
    if len(query) != len(pairs):
        return "a parameter twice"
    allowed = {GENERAL: _GENERAL, MEDICAL: _MEDICAL}.get(parts.path)
    if allowed is None:
        return "no such path"
    if unknown := set(query) - allowed:
        return f"unknown parameter {sorted(unknown)}"
    if query.get("media-encoding") != "pcm" or query.get("sample-rate") != str(RATE):
        return "media"
    try:
        uuid.UUID(query["session-id"])
    except (KeyError, ValueError):
        return "session-id"
    several = query.get("enable-channel-identification") == "true"
    if several != ("number-of-channels" in query) or (several and "show-speaker-label" in query):
        return "channels"
    if parts.path == MEDICAL:
        if query.get("language-code") != "en-US":
            return "language"
        if query.get("type") != "CONVERSATION" or query.get("specialty") != "PRIMARYCARE":
            return "specialty"
    elif query.get("language-code") not in {"en-US", "en-GB", "de-DE"}:
        return "language"
    stable = query.get("enable-partial-results-stabilization") == "true"
    if stable != ("partial-results-stability" in query):
        return "stability"
    return None


@asynccontextmanager
async def serving(
    service: Service, *, port: int = 0, tls: ssl.SSLContext | None = None
) -> AsyncIterator[str]:
    """The service on loopback; yields its address for `AIMED_AWS__STREAMING_ENDPOINT`."""
    async with serve(
        service.handle,
        "127.0.0.1",
        port,
        process_request=service.admit,
        ssl=tls,
        compression=None,
        ping_interval=None,
    ) as server:
        bound = next(iter(server.sockets)).getsockname()[1]
        yield f"{'https' if tls else 'http'}://127.0.0.1:{bound}"


def sample_service() -> Service:
    """The sample consultation, word by word."""
    from aimed.audio_file import read_pcm
    from aimed.samples import consultation

    sample = consultation.load()
    pcm, _ = read_pcm(sample.audio, sample.format.channels)
    roles = sample.format.roles
    turns = [
        Said(roles.index(turn.speaker), turn.start, turn.end, turn.text) for turn in sample.turns
    ]
    return Service(pcm, turns)


async def _main(port: int) -> None:
    async with serving(sample_service(), port=port) as url:
        sys.stdout.write(url + "\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1])))
