"""One connected microphone of a live consultation."""

from __future__ import annotations

import asyncio
from typing import Literal

from fhir_server.errors import InvalidParameter, TooLarge, VersionConflict
from pipelines.ports import BYTES_PER_SAMPLE, AudioFormat
from pipelines.store import SpoolWriter

FRAME_LIMIT = 65_536
"""Bytes of PCM in one frame: two seconds of one channel."""

Ending = Literal["taken-over", "stopped", "failed"]


class Microphone:
    """Takes numbered frames. `ended` completes when this microphone has to go, and says why."""

    def __init__(self, writer: SpoolWriter, audio: AudioFormat) -> None:
        self._writer = writer
        self._frame_bytes = BYTES_PER_SAMPLE * audio.channels
        self.audio = audio
        self.ended: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()

    @property
    def next_frame(self) -> int:
        """The frame that is wanted next."""
        return self._writer.next_frame

    @property
    def durable(self) -> int:
        """Every frame below this one is durable."""
        return self._writer.durable

    async def append(self, number: int, pcm: bytes) -> None:
        """Take a frame; a repeated one is dropped.

        Raises `FrameGap` when one is missing before it, `TooLarge`, `InvalidParameter` for half
        a sample, `VersionConflict` when this microphone was replaced or the recording stopped.
        """
        if self.ended.done():
            raise VersionConflict("This microphone no longer records.")
        if len(pcm) > FRAME_LIMIT:
            raise TooLarge(f"A frame has at most {FRAME_LIMIT} bytes of audio.")
        if not pcm or len(pcm) % self._frame_bytes:
            raise InvalidParameter("A frame holds whole samples of every channel, at least one.")
        await self._writer.append(number, pcm)

    async def wait_durable(self, beyond: int) -> int:
        """Wait until frames up to `beyond` or more are durable; returns at once after the end."""
        return await self._writer.wait_durable(beyond)

    def end(self, why: Ending) -> None:
        """Say that this microphone has to go."""
        if not self.ended.done():
            self.ended.set_result(why)
