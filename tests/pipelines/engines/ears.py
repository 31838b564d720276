"""Engines that hear what is in the audio: each word is a stretch of samples of its own value.

They cut speech where they like, have clocks of their own, and fail where they are told to; what was
made silent they do not hear.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from pipelines.engines.errors import EngineError, EngineUnavailable
from pipelines.ports import (
    SAMPLE_RATE,
    AudioFormat,
    TranscriptFinal,
    TranscriptionSession,
    TranscriptPartial,
    Word,
)

PAUSE = 0.3
"""Silence after which everything said is final."""

Samples = npt.NDArray[np.int16]


@dataclass(frozen=True)
class Spoken:
    """Word number `value` on a channel, in seconds. Its text is `w<value>`."""

    channel: int
    value: int
    start: float
    end: float


def conversation(seed: int, seconds: float, channels: int) -> list[Spoken]:
    """Random talk: words of 0.2 to 0.5 s, close together or with pauses, channels overlapping."""
    rolls, found, value = random.Random(seed), list[Spoken](), 1
    for channel in range(channels):
        at = rolls.uniform(0, 1)
        while (end := at + rolls.uniform(0.2, 0.5)) < seconds:
            found.append(Spoken(channel, value, round(at, 2), round(end, 2)))
            value += 1
            at = end + rolls.choice([0.0, 0.0, 0.0, 0.1, 0.5, 1.0])
    return found


def sound(words: Sequence[Spoken], seconds: float, channels: int) -> bytes:
    """The interleaved audio of it."""
    samples = np.zeros((int(seconds * SAMPLE_RATE), channels), np.int16)
    for word in words:
        first, last = (round(at * SAMPLE_RATE) for at in (word.start, word.end))
        samples[first:last, word.channel] = word.value
    return samples.tobytes()


@dataclass
class Ear:
    """A Transcriber. `skew` is how late its clock is; `lives` after how many finals each fails.

    With `words` it tells the time of each word, as a service does; without it does not.
    """

    name: str
    spoken: Sequence[Spoken]
    skew: float = 0.0
    words: bool = True
    seed: int = 0
    lives: list[int] = field(default_factory=list)
    dies: float | None = None
    """The second of the audio at which it fails for good, be it within a word."""
    down: bool = False
    fault: EngineError | None = None
    delay: float = 0.0
    opened: list[float] = field(default_factory=list)

    @property
    def failure(self) -> EngineError:
        return self.fault or EngineUnavailable("ear", "It broke off.", "Wait.")

    def open(
        self, audio: AudioFormat, *, offset: float = 0.0, vocabulary: Sequence[str] = ()
    ) -> TranscriptionSession:
        self.opened.append(offset)
        if self.down:
            raise self.failure
        return EarSession(self, audio, offset, self.lives.pop(0) if self.lives else None)


@dataclass
class _Channel:
    done: float
    heard: list[Spoken] = field(default_factory=list)


class EarSession:
    def __init__(self, ear: Ear, audio: AudioFormat, offset: float, life: int | None) -> None:
        self._ear, self._audio, self._offset, self._life = ear, audio, offset, life
        self._rolls = random.Random(f"{ear.seed} {offset}")
        self._samples: list[Samples] = []
        self._length = 0
        self._channels = [_Channel(offset) for _ in range(audio.channels)]
        self._words = {word.value: word for word in ear.spoken}
        self._results: asyncio.Queue[TranscriptPartial | TranscriptFinal | EngineError | None]
        self._results = asyncio.Queue()
        self._broken = False

    async def feed(self, pcm: bytes) -> None:
        if self._broken:
            return
        samples = np.frombuffer(pcm, np.int16).reshape(-1, self._audio.channels)
        if self._ear.dies is not None:
            left = round((self._ear.dies - self._offset) * SAMPLE_RATE) - self._length
            self._ear.down = len(samples) > left
            samples = samples[: max(0, left)]
        self._samples.append(samples)
        self._length += len(samples)
        if self._ear.delay:
            await asyncio.sleep(self._ear.delay)
        self._listen(ended=False)
        if self._ear.down:
            self._break()

    async def finish(self) -> None:
        self._listen(ended=True)
        self._results.put_nowait(None)

    async def results(self) -> AsyncIterator[TranscriptPartial | TranscriptFinal]:
        while (found := await self._results.get()) is not None:
            if isinstance(found, EngineError):
                raise found
            yield found

    async def aclose(self) -> None:
        self._broken = True

    def _break(self) -> None:
        if not self._broken:
            self._broken = True
            self._results.put_nowait(self._ear.failure)

    def _listen(self, *, ended: bool) -> None:
        if self._broken or not self._samples:
            return
        all_samples = np.concatenate(self._samples)
        self._samples = [all_samples]
        now = self._offset + self._length / SAMPLE_RATE
        for channel, state in enumerate(self._channels):
            state.heard = [
                word
                for word in self._in(all_samples[:, channel])
                if word.start >= state.done - 0.11 and word.end > state.done + 0.01
            ]
        for channel in range(self._audio.channels):
            self._say(channel, now, ended)

    def _say(self, channel: int, now: float, ended: bool) -> None:
        state = self._channels[channel]
        whole = [word for word in state.heard if ended or word.end <= now]
        if len(state.heard) > len(whole):
            last = state.heard[-1]
            said = " ".join(f"w{word.value}" for word in state.heard)
            self._results.put_nowait(
                TranscriptPartial(channel, self._time(last.start), self._time(now), said)
            )
        while whole and not self._broken:
            count = self._cut(whole, now, ended)
            if count == 0:
                return
            self._final(channel, whole[:count], now, ended)
            whole = whole[count:]

    def _cut(self, whole: list[Spoken], now: float, ended: bool) -> int:
        for at, (word, after) in enumerate(pairwise(whole)):
            if after.start - word.end >= PAUSE:
                return at + 1
        if ended or now - whole[-1].end >= PAUSE:
            return len(whole)
        return self._rolls.randint(1, 5) if len(whole) > 5 else 0

    def _final(self, channel: int, said: list[Spoken], now: float, ended: bool) -> None:
        state = self._channels[channel]
        state.done = said[-1].end
        state.heard = [word for word in state.heard if word.end > state.done]
        if self._life is not None and self._life <= 0:
            self._break()
            return
        if self._life is not None:
            self._life -= 1
        pending = [one.start for each in self._channels for one in each.heard[:1]]
        words = tuple(
            Word(self._time(one.start), self._time(one.end), f"w{one.value}", 0.9) for one in said
        )
        self._results.put_nowait(
            TranscriptFinal(
                channel,
                self._time(said[0].start),
                self._time(said[-1].end),
                " ".join(word.text for word in words),
                0.9,
                self._time(min([*pending, now])),
                words if self._ear.words else (),
            )
        )

    def _in(self, samples: Samples) -> list[Spoken]:
        """The words of which at least half can be heard."""
        found = []
        for value in np.unique(samples[samples != 0]):
            word = self._words[int(value)]
            seconds = np.count_nonzero(samples == value) / SAMPLE_RATE
            at = self._offset + len(samples) / SAMPLE_RATE
            if seconds >= (min(word.end, at) - word.start) / 2:
                found.append(word)
        return sorted(found, key=lambda word: word.start)

    def _time(self, seconds: float) -> float:
        return round(max(0.0, seconds + self._ear.skew), 3)
