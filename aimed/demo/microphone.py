"""A microphone over `/ws/encounters/{id}/audio` that loses nothing.

Frames are kept until the server says that they are durable; after a broken connection it goes on at
the frame the server names. The protocol is in docs/architecture.md.
"""

from __future__ import annotations

import asyncio
import json
import struct
import time
from collections.abc import Callable

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from pipelines.ports import AudioFormat

FRAME_SECONDS = 0.1
_PATIENCE = 60.0


class MicrophoneRefused(Exception):
    """The server closed the socket for good; the text has its code and reason."""


class Microphone:
    """Streams `pcm` at `speed` times real time. `clock` is a monotonic clock in seconds."""

    def __init__(
        self,
        url: str,
        token: str,
        pcm: bytes,
        audio: AudioFormat,
        *,
        speed: float = 1.0,
        on_sent: Callable[[float], None] = lambda position: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = url.replace("http", "ws", 1)
        self._token = token
        self._audio = audio
        self._speed = speed
        self._on_sent = on_sent
        self._clock = clock
        size = int(audio.bytes_per_second * FRAME_SECONDS)
        self._frames = [pcm[at : at + size] for at in range(0, len(pcm), size)]
        self._sent_at: dict[int, float] = {}
        self.acknowledged = 0

    @property
    def seconds(self) -> float:
        """Length of the audio."""
        return len(self._frames) * FRAME_SECONDS

    def sent_at(self, position: float) -> float | None:
        """When (by `clock`) the audio `position` seconds in was first sent, None if not yet."""
        return self._sent_at.get(int(position / FRAME_SECONDS))

    async def stream(self, encounter: str, *, stop: bool = True) -> None:
        """Send everything, wait until it is durable, and with `stop` end the recording.

        Raises `MicrophoneRefused`, and `TimeoutError` when the server stays away for a minute.
        """
        give_up = self._clock() + _PATIENCE
        while True:
            try:
                await self._connection(encounter, stop)
                return
            except (ConnectionClosed, OSError, InvalidHandshake) as error:
                code = getattr(getattr(error, "rcvd", None), "code", 0)
                if 4400 <= code < 4500:
                    raise MicrophoneRefused(f"{code} {error}") from None
                if self._clock() > give_up:
                    raise TimeoutError("the server did not come back") from None
                await asyncio.sleep(0.25)

    async def _connection(self, encounter: str, stop: bool) -> None:
        headers = {"Authorization": f"Bearer {self._token}"}
        address = f"{self._url}/ws/encounters/{encounter}/audio"
        async with connect(address, additional_headers=headers, max_size=None) as socket:
            await socket.send(json.dumps(self._hello()))
            first = await self._ready(socket)
            listener = asyncio.create_task(self._acks(socket, stop))
            try:
                await self._send_from(socket, first, listener)
                if stop:
                    await socket.send('{"type":"stop"}')
                await listener
            finally:
                listener.cancel()

    def _hello(self) -> dict[str, object]:
        return {
            "type": "start",
            "encoding": "pcm_s16le",
            "sample_rate": 16000,
            "channels": self._audio.channels,
            "roles": [str(role) for role in self._audio.roles],
        }

    async def _send_from(
        self, socket: ClientConnection, first: int, listener: asyncio.Task[None]
    ) -> None:
        began = self._clock() - first * FRAME_SECONDS / self._speed
        for number in range(first, len(self._frames)):
            due = began + (number + 1) * FRAME_SECONDS / self._speed
            await asyncio.sleep(max(0.0, due - self._clock()))
            if listener.done():
                listener.result()
                return
            await socket.send(struct.pack(">I", number) + self._frames[number])
            self._sent_at.setdefault(number, self._clock())
            self._on_sent((number + 1) * FRAME_SECONDS)

    async def _acks(self, socket: ClientConnection, stop: bool) -> None:
        while stop or self.acknowledged < len(self._frames):
            message = json.loads(await socket.recv())
            if message["type"] == "ack":
                self.acknowledged = max(self.acknowledged, int(message["next"]))
            elif message["type"] == "stopped":
                return

    async def _ready(self, socket: ClientConnection) -> int:
        while True:
            message = json.loads(await socket.recv())
            if message["type"] == "ready":
                return int(message["next"])
