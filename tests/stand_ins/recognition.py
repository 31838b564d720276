"""Recognition by comparison: words are known by the audio that they are said in.

The stand-in is given a recording and who says what when. It finds the audio that reaches it in
that recording, so it hears a word only when all of that word's samples have come, wherever the
stream began and whatever silence was put in between.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any

import numpy as np

RATE = 16_000


@dataclass(frozen=True)
class Said:
    """A turn in the recording, in its seconds."""

    channel: int
    start: float
    end: float
    text: str
    speaker: str | None = None


@dataclass(frozen=True)
class Spoken:
    """A word in the recording."""

    turn: int
    start: float
    end: float
    text: str


class UnknownAudio(Exception):
    """Audio that is nowhere in the recording."""


@dataclass
class _Turn:
    id: str
    words: list[tuple[float, float, str]] = field(default_factory=list)


class Listener:
    """What one stream has heard. `pause` is the silence that ends a turn, in seconds."""

    def __init__(
        self, recording: bytes, turns: list[Said], channels: int, *, pause: float = 0.3
    ) -> None:
        self._recording = recording
        self._turns = turns
        self._channels = channels
        self._unit = 2 * channels
        self._pause = pause
        self._words = [word for place, turn in enumerate(turns) for word in _words(place, turn)]
        self._from: int | None = None
        self._at = 0
        self._stream = 0
        self._pending: list[Spoken] | None = None
        self._open: dict[int, _Turn] = {}
        self._silent: list[tuple[int, float, float]] = []
        self.silence = 0

    def hear(self, pcm: bytes) -> list[dict[str, Any]]:
        """Take audio and return the results that it brings."""
        self._stream += len(pcm)
        if self._from is not None and self._fits(pcm):
            self._at += len(pcm)
        elif not pcm.strip(b"\0"):
            self.silence += len(pcm)
            return self._ended_turns(silent=True)
        else:
            self._find(pcm)
        return [*self._new_words(), *self._ended_turns()]

    def finish(self) -> list[dict[str, Any]]:
        """The finals of what is still open."""
        return [self._final(place) for place in sorted(self._open)]

    def _find(self, pcm: bytes) -> None:
        where = self._recording.find(pcm, max(0, self._at - 4 * RATE * self._unit))
        if where < 0:
            where = self._recording.find(pcm)
        if where < 0:
            where = self._find_muted(pcm)
        if where < 0:
            raise UnknownAudio
        if self._from is None:
            self._from = where
            heard = where / self._unit / RATE
            self._pending = [word for word in self._words if word.start >= heard - 0.001]
            self._pending.sort(key=lambda word: word.end)
        self._at = where + len(pcm)

    def _fits(self, pcm: bytes) -> bool:
        """Whether this is what comes next in the recording."""
        expected = self._recording[self._at : self._at + len(pcm)]
        return expected == pcm or self._muted(pcm, self._at)

    def _find_muted(self, pcm: bytes) -> int:
        """Where audio belongs of which a channel is silent at the beginning, or all along."""
        given = np.frombuffer(pcm, "<i2").reshape(-1, self._channels)
        recorded = np.frombuffer(self._recording, "<i2").reshape(-1, self._channels)
        for channel in range(self._channels):
            tail = given[-RATE // 50 :, channel].tobytes()
            if not tail.strip(b"\0"):
                continue
            at = recorded[:, channel].tobytes().find(tail) // 2 + len(tail) // 2 - len(given)
            if at >= 0 and self._muted(pcm, at * self._unit):
                return at * self._unit
        return -1

    def _muted(self, pcm: bytes, where: int) -> bool:
        """Whether this is the recording there but for what is silent; remembers what is."""
        original = self._recording[where : where + len(pcm)]
        if len(original) != len(pcm):
            return False
        given = np.frombuffer(pcm, "<i2").reshape(-1, self._channels)
        recorded = np.frombuffer(original, "<i2").reshape(-1, self._channels)
        other = given != recorded
        if given[other].any() or not given.any():
            return False
        start = where / self._unit / RATE
        for channel in range(self._channels):
            places = np.flatnonzero(other[:, channel])
            if len(places):
                span = (channel, start + places[0] / RATE, start + places[-1] / RATE)
                self._silent.append(span)
        return True

    def _is_silent(self, word: Spoken) -> bool:
        middle = (word.start + word.end) / 2
        return any(
            channel == self._turns[word.turn].channel and start <= middle <= end
            for channel, start, end in self._silent
        )

    @property
    def _now(self) -> float:
        return self._at / self._unit / RATE

    def _time(self, second: float) -> float:
        return round(self._stream / self._unit / RATE - (self._now - second), 3)

    def _new_words(self) -> list[dict[str, Any]]:
        changed: dict[int, None] = {}
        while self._pending and self._pending[0].end <= self._now:
            word = self._pending.pop(0)
            if self._is_silent(word):
                continue
            turn = self._open.setdefault(word.turn, _Turn(str(uuid.uuid4())))
            turn.words.append((self._time(word.start), self._time(word.end), word.text))
            changed[word.turn] = None
        return [self._result(place, partial=True) for place in changed]

    def _ended_turns(self, *, silent: bool = False) -> list[dict[str, Any]]:
        now = self._stream / self._unit / RATE
        over = [
            place
            for place, turn in self._open.items()
            if turn.words[-1][1] + self._pause <= now
            and (silent or self._turns[place].end + self._pause <= self._now)
        ]
        return [self._final(place) for place in over]

    def _final(self, place: int) -> dict[str, Any]:
        made = self._result(place, partial=False)
        del self._open[place]
        return made

    def _result(self, place: int, *, partial: bool) -> dict[str, Any]:
        turn, said = self._open[place], self._turns[place]
        items: list[dict[str, Any]] = []
        for start, end, text in turn.words:
            word = text.rstrip(".,?!")
            item = {
                "StartTime": start,
                "EndTime": end,
                "Type": "pronunciation",
                "Content": word,
                "VocabularyFilterMatch": False,
                "Stable": not partial,
            }
            if not partial:
                item["Confidence"] = 0.97
            if said.speaker is not None:
                item["Speaker"] = said.speaker
            items.append(item)
            if word != text:
                stop = {"StartTime": end, "EndTime": end, "Type": "punctuation"}
                items.append({**stop, "Content": text[len(word) :]})
        result: dict[str, Any] = {
            "ResultId": turn.id,
            "StartTime": turn.words[0][0],
            "EndTime": turn.words[-1][1],
            "IsPartial": partial,
            "Alternatives": [
                {"Transcript": " ".join(text for _, _, text in turn.words), "Items": items}
            ],
        }
        if self._channels > 1:
            result["ChannelId"] = f"ch_{said.channel}"
        return result


def _words(place: int, turn: Said) -> list[Spoken]:
    """The words of a turn, each as long as its letters are many."""
    texts = turn.text.split()
    total = sum(len(text) + 1 for text in texts)
    made, at = [], turn.start
    for text in texts:
        end = at + (turn.end - turn.start) * (len(text) + 1) / total
        made.append(Spoken(place, round(at, 3), round(end, 3), text))
        at = end
    return made
