"""One running transcription over one stream after another.

A stream that breaks off is followed by another one under the same session id, which sends again
what is not settled, with the sound of finals taken out; a stream near the service's limit is ended
in a pause, and a new one goes on.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from fhir_server.clock import Ids
from integrations.aws.transcribe.audio_queue import AudioQueue
from integrations.aws.transcribe.connection import Connector
from integrations.aws.transcribe.results import ResultReader, TranscriptResult
from integrations.aws.transcribe.settings import StreamLimits
from integrations.aws.transcribe.stream import Stream
from integrations.aws.transcribe.time_line import TimeLine
from pipelines.engines.errors import EngineError
from pipelines.ports import SAMPLE_RATE, AudioFormat, TranscriptFinal


class TranscribeSession:
    """Made by `TranscribeTranscriber.open`. See `pipelines.ports.TranscriptionSession`.

    `results` raises `EngineError` when the service cannot go on; whoever reads opens a new session
    at what is settled.
    """

    def __init__(
        self,
        connector: Connector,
        limits: StreamLimits,
        audio: AudioFormat,
        offset: float,
        *,
        ids: Ids,
        clock: Callable[[], float],
    ) -> None:
        self._connector = connector
        self._limits = limits
        self._audio = audio
        self._offset = offset
        self._ids = ids
        self._clock = clock
        self._settled = offset
        self._heard = [offset] * audio.channels
        self._id = ids()
        self._streams = 0
        rate = audio.bytes_per_second
        self._queue = AudioQueue(
            backlog=int(limits.backlog_seconds * rate), kept=int(limits.kept_seconds * rate)
        )

    async def feed(self, pcm: bytes) -> None:
        """Take the next interleaved samples; waits while too much is waiting already."""
        await self._queue.put(pcm)

    async def finish(self) -> None:
        """Say that no audio follows."""
        await self._queue.finish()

    async def aclose(self) -> None:
        """Drop everything; `results` ends."""
        await self._queue.close()

    async def results(self) -> AsyncGenerator[TranscriptResult]:
        """Yield partials and finals; ends after `finish` or `aclose`."""
        failures = 0
        while await self._queue.any():
            before = self._settled
            try:
                async with aclosing(self._stream()) as results:
                    async for result in results:
                        self._remember(result)
                        yield result
                self._id, failures = self._ids(), 0
            except EngineError as error:
                failures = 1 if self._settled > before else failures + 1
                if not error.retryable or failures > self._limits.reconnections:
                    raise
                if not self._queue.rewind(self._byte(self._settled)):
                    raise
                self._queue.mute([self._byte(end) for end in self._heard])
                await asyncio.sleep(self._limits.reconnect_seconds * 2.0 ** (failures - 1))

    async def _stream(self) -> AsyncGenerator[TranscriptResult]:
        position = self._queue.position
        line = TimeLine(self._offset + position / self._audio.bytes_per_second)
        self._streams += 1
        reader = ResultReader(
            self._audio.channels,
            line,
            late=self._limits.late_seconds,
            label=f"{self._id}/{self._streams}",
        )
        socket = await self._connector.open(self._audio, self._id)
        stream = Stream(socket, self._queue, self._audio, self._limits, line, reader, self._clock)
        async with aclosing(stream.results()) as results:
            async for result in results:
                yield result

    def _remember(self, result: TranscriptResult) -> None:
        if not isinstance(result, TranscriptFinal):
            return
        self._heard[result.channel] = max(self._heard[result.channel], result.end)
        if result.settled > self._settled:
            self._settled = result.settled
            self._queue.settle(self._byte(self._settled))

    def _byte(self, time: float) -> int:
        samples = max(0, int((time - self._offset) * SAMPLE_RATE))
        return samples * self._audio.bytes_per_second // SAMPLE_RATE
