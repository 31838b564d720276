"""One running transcription: each channel is cut into utterances, and each utterance is read.

While somebody speaks, what they have said so far is read again every now and then (a partial); when
they pause, the whole utterance is read once more with care (a final). When audio comes faster than
it can be read, partials are left out; finals never are.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterator, Sequence
from functools import partial

import numpy as np

from integrations.whisper.endpointing import Endpointer, Samples, Utterance
from integrations.whisper.recogniser import Recogniser
from integrations.whisper.settings import WhisperSettings
from pipelines.ports import (
    SAMPLE_RATE,
    AudioFormat,
    TranscriptFinal,
    TranscriptPartial,
)

BACKLOG_SECONDS = 30
"""Audio that may wait to be looked at before `feed` waits: 1 MB a channel."""
_FRAME = 32768.0

TranscriptResult = TranscriptPartial | TranscriptFinal


class WhisperSession:
    """Made by `WhisperTranscriber.open`. See `pipelines.ports.TranscriptionSession`."""

    def __init__(
        self,
        recogniser: Recogniser,
        settings: WhisperSettings,
        audio: AudioFormat,
        offset: float,
        vocabulary: Sequence[str],
    ) -> None:
        self._recogniser = recogniser
        self._settings = settings
        self._channels = audio.channels
        self._offset = offset
        self._vocabulary = vocabulary
        self._endpointers: list[Endpointer] = []
        self._waiting: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._limit = BACKLOG_SECONDS * audio.bytes_per_second
        self._partial_at = [0] * audio.channels
        self._turn = 0
        self._finished = False
        self._closed = False
        self._changed = asyncio.Condition()

    async def feed(self, pcm: bytes) -> None:
        """Take the next interleaved samples; waits while too much is waiting already."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._waiting_bytes < self._limit or self._closed)
            self._waiting.append(pcm)
            self._waiting_bytes += len(pcm)
            self._changed.notify_all()

    async def finish(self) -> None:
        """Say that no audio follows."""
        async with self._changed:
            self._finished = True
            self._changed.notify_all()

    async def aclose(self) -> None:
        """Drop everything; `results` ends."""
        async with self._changed:
            self._closed = True
            self._waiting.clear()
            self._changed.notify_all()

    async def results(self) -> AsyncIterator[TranscriptResult]:
        """Yield partials and finals; ends after `finish` or `aclose`."""
        await self._recogniser.run(self._open)
        while not self._closed:
            pcm = await self._next()
            ended = pcm is None
            complete = await self._recogniser.run(partial(self._look, pcm))
            for position, (channel, utterance) in enumerate(complete):
                final = await self._final(channel, utterance, complete[position + 1 :], ended)
                if final is not None:
                    yield final
            if ended:
                return
            so_far = None if self._waiting else await self._partial()
            if so_far is not None:
                yield so_far

    def _open(self) -> None:
        self._recogniser.load()
        self._endpointers = [
            Endpointer(
                self._recogniser.detector(),
                endpoint=self._settings.endpoint_seconds,
                longest=self._settings.utterance_seconds,
            )
            for _ in range(self._channels)
        ]

    async def _next(self) -> bytes | None:
        """All the audio that waits; None at the end."""
        async with self._changed:
            await self._changed.wait_for(
                lambda: bool(self._waiting) or self._finished or self._closed
            )
            if not self._waiting:
                return None
            pcm = b"".join(self._waiting)
            self._waiting.clear()
            self._waiting_bytes = 0
            self._changed.notify_all()
            return pcm

    def _look(self, pcm: bytes | None) -> list[tuple[int, Utterance]]:
        """The utterances that are complete now, in the order they were begun."""
        found: list[tuple[int, Utterance]] = []
        for channel, endpointer in enumerate(self._endpointers):
            utterances = endpointer.finish() if pcm is None else self._add(channel, pcm)
            found += [(channel, utterance) for utterance in utterances]
        return sorted(found, key=lambda one: one[1].start)

    def _add(self, channel: int, pcm: bytes) -> Iterator[Utterance]:
        interleaved = np.frombuffer(pcm, dtype="<i2")
        samples: Samples = interleaved[channel :: self._channels].astype(np.float32) / _FRAME
        return self._endpointers[channel].add(samples)

    async def _final(
        self,
        channel: int,
        utterance: Utterance,
        later: Sequence[tuple[int, Utterance]],
        ended: bool,
    ) -> TranscriptFinal | None:
        heard = await self._recogniser.run(
            partial(self._recogniser.final, utterance.samples, self._vocabulary)
        )
        self._partial_at[channel] = 0
        if heard is None:
            return None
        open_since = [one.start for _, one in later]
        if not ended:
            open_since += [endpointer.settled for endpointer in self._endpointers]
        return TranscriptFinal(
            channel=channel,
            start=self._time(utterance.start),
            end=self._time(utterance.end),
            text=heard.text,
            confidence=heard.confidence,
            settled=self._time(min(open_since, default=utterance.end)),
        )

    async def _partial(self) -> TranscriptPartial | None:
        """Read what one of the speakers has said so far, if enough is new."""
        for step in range(self._channels):
            channel = (self._turn + step) % self._channels
            speaking = self._endpointers[channel].speaking()
            wanted = self._partial_at[channel] + self._settings.partial_seconds * SAMPLE_RATE
            begun = speaking is not None and self._partial_at[channel] == 0
            if speaking is None or (speaking.end < wanted and not begun):
                continue
            self._turn = channel + 1
            self._partial_at[channel] = speaking.end
            heard = await self._recogniser.run(
                partial(self._recogniser.partial, speaking.samples, self._vocabulary)
            )
            if heard is None:
                return None
            start, end = self._time(speaking.start), self._time(speaking.end)
            return TranscriptPartial(channel, start, end, heard.text)
        return None

    def _time(self, sample: int) -> float:
        return round(self._offset + sample / SAMPLE_RATE, 3)
