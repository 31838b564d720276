"""One stream: audio goes out at its pace while results come in, until the service closes it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable

import numpy as np
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from integrations.aws.faults import ENGINE
from integrations.aws.transcribe import exceptions
from integrations.aws.transcribe.audio_queue import AudioQueue
from integrations.aws.transcribe.event_stream import MessageReader, audio_event
from integrations.aws.transcribe.results import ResultReader, TranscriptResult
from integrations.aws.transcribe.settings import StreamLimits
from integrations.aws.transcribe.time_line import TimeLine
from pipelines.engines.errors import EngineUnavailable
from pipelines.ports import AudioFormat

_QUIET = 330
"""Highest sample of a frame that has no speech in it: one hundredth of the scale."""

_NORMAL = 1000
_AGAIN = "The audio is kept and sent again; see the AWS Health Dashboard if it goes on."


class Stream:
    """Sends from `queue` and reads results. `clock` is a monotonic clock in seconds."""

    def __init__(
        self,
        socket: ClientConnection,
        queue: AudioQueue,
        audio: AudioFormat,
        limits: StreamLimits,
        line: TimeLine,
        reader: ResultReader,
        clock: Callable[[], float],
    ) -> None:
        self._socket = socket
        self._queue = queue
        self._limits = limits
        self._line = line
        self._reader = reader
        self._clock = clock
        self._rate = audio.bytes_per_second
        unit = self._rate // 16_000
        self._frame = int(limits.frame_seconds * 16_000) * unit
        self._begun = clock()
        self._next = self._begun
        self._sent = 0
        self._ended = False
        self._late = False

    async def results(self) -> AsyncGenerator[TranscriptResult]:
        """Yield results until the service has said all; raises `EngineError` when it breaks off."""
        sending = asyncio.create_task(self._send())
        try:
            async for result in self._receive():
                yield result
            self._check_end()
            for final in self._reader.rest():
                yield final
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
            await self._socket.close()

    async def _receive(self) -> AsyncIterator[TranscriptResult]:
        reader = MessageReader()
        try:
            async for data in self._socket:
                for message in reader.feed(data.encode() if isinstance(data, str) else data):
                    if message.kind != "event":
                        raise exceptions.of_message(message)
                    if message.name == "TranscriptEvent":
                        for result in self._reader.read(message.body):
                            yield result
        except ConnectionClosed:
            raise self._broken() from None

    def _check_end(self) -> None:
        if not self._ended or self._late or self._socket.close_code != _NORMAL:
            raise self._broken()

    def _broken(self) -> EngineUnavailable:
        what = "gave no last results in time" if self._late else "broke off the stream"
        return EngineUnavailable(ENGINE, f"Transcribe {what}.", _AGAIN)

    async def _send(self) -> None:
        try:
            await self._send_audio()
            self._ended = True
            await self._put(audio_event(b""))
            await asyncio.sleep(self._limits.last_result_seconds)
            self._late = True
        except (ConnectionClosed, TimeoutError):
            return
        finally:
            # Whoever receives finds the connection closed, and says why.
            await self._socket.close()

    async def _send_audio(self) -> None:
        silence, quiet = 0.0, False
        while not self._queue.ended and not self._old(quiet):
            pcm = await self._queue.take(self._frame, self._patience(silence))
            if pcm:
                silence, quiet = 0.0, _peak(pcm) < _QUIET
                await self._paced(pcm, self._limits.pace)
            elif not self._queue.ended:
                silence, quiet = silence + self._limits.frame_seconds, True
                self._line.silence(self._sent / self._rate, self._frame / self._rate)
                await self._paced(bytes(self._frame), 1.0)

    def _patience(self, silence: float) -> float:
        """How long to wait for audio before a frame of silence takes its place."""
        limits = self._limits
        if silence == 0.0:
            return limits.idle_seconds
        return (
            limits.frame_seconds if silence < limits.silence_seconds else limits.keep_alive_seconds
        )

    def _old(self, quiet: bool) -> bool:
        age = max(self._clock() - self._begun, self._sent / self._rate)
        if age >= self._limits.stream_end_seconds:
            return True
        return age >= self._limits.stream_seconds and quiet and not self._reader.speaking

    async def _paced(self, pcm: bytes, pace: float) -> None:
        now = self._clock()
        await asyncio.sleep(max(0.0, self._next - now))
        self._next = max(self._next, now) + len(pcm) / self._rate / pace
        self._sent += len(pcm)
        await self._put(audio_event(pcm))

    async def _put(self, message: bytes) -> None:
        async with asyncio.timeout(self._limits.send_seconds):
            await self._socket.send(message)


def _peak(pcm: bytes) -> int:
    return int(np.abs(np.frombuffer(pcm, dtype="<i2").astype(np.int32)).max())
