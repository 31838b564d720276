"""Where speech begins and ends on one channel: Silero voice activity detection, step by step.

The detector (bundled with faster-whisper, MIT) gives a probability for each 32 ms. Speech begins at
0.5 and ends after a silence below 0.35, the thresholds its authors recommend.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from pipelines.ports import SAMPLE_RATE

Samples = npt.NDArray[np.float32]

WINDOW = 512
_CONTEXT = 64
_BEGIN, _END = 0.5, 0.35
PAD = int(0.25 * SAMPLE_RATE)
"""Kept before and after speech: the first consonant is often below the threshold."""
_LEAST_VOICED = int(0.16 * SAMPLE_RATE)
"""Less voice than this is a click or a breath; a spoken "no" has 0.25 s."""
_CUT_WINDOW = int(0.2 * SAMPLE_RATE)


class VoiceDetector(Protocol):
    """The probability of voice in each window of `samples`, remembering what came before."""

    def __call__(self, samples: Samples) -> npt.NDArray[np.float32]:
        """`samples` holds whole windows of 512."""


class SileroDetector:
    """The Silero model with its recurrent state, for one channel."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self._h = np.zeros((1, 1, 128), dtype=np.float32)
        self._c = np.zeros((1, 1, 128), dtype=np.float32)
        self._tail = np.zeros(_CONTEXT, dtype=np.float32)

    def __call__(self, samples: Samples) -> npt.NDArray[np.float32]:
        """Probabilities of the next windows."""
        windows = samples.reshape(-1, WINDOW)
        before = np.vstack([self._tail, windows[:-1, -_CONTEXT:]])
        self._tail = windows[-1, -_CONTEXT:].copy()
        batch = np.concatenate([before, windows], axis=1)
        output, self._h, self._c = self._session.run(
            None, {"input": batch, "h": self._h, "c": self._c}
        )
        probabilities: npt.NDArray[np.float32] = output.reshape(-1)
        return probabilities


@dataclass(frozen=True)
class Utterance:
    """Speech from sample `start` to `end` of the channel, padding included."""

    start: int
    end: int
    samples: Samples


class Endpointer:
    """Collects one channel's samples and cuts them into utterances."""

    def __init__(self, detector: VoiceDetector, *, endpoint: float, longest: float) -> None:
        self._detector = detector
        self._endpoint = int(endpoint * SAMPLE_RATE)
        self._longest = int(longest * SAMPLE_RATE)
        self._audio = np.zeros(0, dtype=np.float32)
        self._base = 0
        self._looked = 0
        self._start: int | None = None
        self._voiced = 0
        self._last_voice = 0

    @property
    def settled(self) -> int:
        """The sample before which no utterance is still open or unnoticed."""
        if self._start is not None:
            return self._start
        return max(self._base, self._looked - PAD - WINDOW)

    def add(self, samples: Samples) -> Iterator[Utterance]:
        """Take more samples and yield the utterances that they complete."""
        self._audio = np.concatenate([self._audio, samples])
        end = self._base + len(self._audio)
        whole = (end - self._looked) // WINDOW * WINDOW
        if whole:
            fresh = self._audio[self._looked - self._base :][:whole]
            for probability in self._detector(fresh):
                self._looked += WINDOW
                yield from self._step(float(probability))
        self._forget()

    def finish(self) -> Iterator[Utterance]:
        """Yield what is still open: no more samples follow."""
        if self._start is not None:
            self._last_voice = min(self._last_voice, self._base + len(self._audio))
            yield from self._close(self._base + len(self._audio))

    def speaking(self) -> Utterance | None:
        """What has been said of an utterance that goes on, None in silence."""
        if self._start is None or self._voiced < _LEAST_VOICED:
            return None
        return self._cut(self._start, self._looked)

    def _step(self, probability: float) -> Iterator[Utterance]:
        if probability >= _BEGIN or (self._start is not None and probability >= _END):
            if self._start is None:
                self._start = max(self._base, self._looked - WINDOW - PAD)
                self._voiced = 0
            self._voiced += WINDOW
            self._last_voice = self._looked
        if self._start is None:
            return
        if self._looked - self._last_voice >= self._endpoint:
            yield from self._close(self._looked)
        elif self._looked - self._start >= self._longest:
            yield from self._split()

    def _close(self, end: int) -> Iterator[Utterance]:
        assert self._start is not None
        if self._voiced >= _LEAST_VOICED:
            yield self._cut(self._start, min(end, self._last_voice + PAD))
        self._start = None

    def _split(self) -> Iterator[Utterance]:
        """Cut a long utterance where its last third is quietest, between words."""
        assert self._start is not None
        search = self._start + self._longest * 2 // 3
        loudness = np.abs(self._cut(search, self._looked).samples)
        smooth = np.convolve(loudness, np.ones(_CUT_WINDOW) / _CUT_WINDOW, mode="valid")
        middle = search + int(np.argmin(smooth)) + _CUT_WINDOW // 2
        yield self._cut(self._start, middle)
        self._start = middle
        self._voiced = self._looked - middle

    def _cut(self, start: int, end: int) -> Utterance:
        return Utterance(start, end, self._audio[start - self._base : end - self._base].copy())

    def _forget(self) -> None:
        keep = self.settled - PAD
        if keep - self._base > SAMPLE_RATE:
            self._audio = self._audio[keep - self._base :]
            self._base = keep
