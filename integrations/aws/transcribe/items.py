"""The items of a result, words and punctuation, as words and as pieces of one speaker each.

https://docs.aws.amazon.com/transcribe/latest/APIReference/API_streaming_Item.html and
https://docs.aws.amazon.com/transcribe/latest/dg/how-input.html (jobs) name them alike but for case.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

from pipelines.ports import Word


@dataclass(frozen=True)
class Item:
    """One item. `start` and `end` are None for punctuation, `speaker` where none is told."""

    text: str
    start: float | None
    end: float | None
    confidence: float
    speaker: str | None = None


@dataclass(frozen=True)
class Piece:
    """What one speaker said in a row."""

    speaker: str | None
    words: tuple[Word, ...]

    @property
    def text(self) -> str:
        """The words with their punctuation."""
        return " ".join(word.text for word in self.words)

    @property
    def confidence(self) -> float:
        """The mean of the words' probabilities."""
        return round(sum(word.probability for word in self.words) / len(self.words), 3)


def pieces(items: Sequence[Item], time: Callable[[float], float]) -> list[Piece]:
    """Words with the punctuation that follows them, grouped by speaker.

    `time` maps the service's seconds. A word without a speaker belongs to the one before it.
    """
    spoken: list[tuple[str | None, Word]] = []
    speaker = next((item.speaker for item in items if item.speaker is not None), None)
    for item in items:
        if item.start is None or item.end is None:
            if spoken:
                owner, word = spoken[-1]
                text = word.text + item.text
                spoken[-1] = owner, Word(word.start, word.end, text, word.probability)
            continue
        speaker = item.speaker if item.speaker is not None else speaker
        start, end = time(item.start), time(item.end)
        spoken.append((speaker, Word(start, end, item.text, item.confidence)))
    return [
        Piece(who, tuple(word for _, word in said))
        for who, said in groupby(spoken, key=lambda one: one[0])
    ]
