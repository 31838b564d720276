"""Words of running text with their places, and phrases found among them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

_WORD = re.compile(r"[a-z0-9]+(?:['-][a-z0-9]+)*")

T = TypeVar("T")


@dataclass(frozen=True)
class Word:
    """One word in lower case; `start` and `end` are character offsets into the text."""

    text: str
    start: int
    end: int


def words(text: str) -> list[Word]:
    """The words of `text`. Typographic apostrophes count as plain ones."""
    lowered = text.translate({0x2019: "'", 0x2018: "'"})
    # ASCII only: lower() of other letters may change the length and with it the offsets.
    lowered = "".join(c.lower() if c.isascii() else c for c in lowered)
    return [Word(m.group(), m.start(), m.end()) for m in _WORD.finditer(lowered)]


@dataclass(frozen=True)
class Found(Generic[T]):
    """A phrase found: its value, word range `[first, last)` and character range."""

    value: T
    first: int
    last: int
    start: int
    end: int


class PhraseIndex(Generic[T]):
    """Finds whole-word phrases, the longest at each place, in time linear in the text."""

    def __init__(self, phrases: Iterable[tuple[str, T]]) -> None:
        self._by_first: dict[str, list[tuple[tuple[str, ...], T]]] = {}
        for phrase, value in phrases:
            parts = tuple(word.text for word in words(phrase))
            if parts:
                self._by_first.setdefault(parts[0], []).append((parts, value))
        for entries in self._by_first.values():
            entries.sort(key=lambda entry: -len(entry[0]))

    def find(self, text: Sequence[Word]) -> list[Found[T]]:
        """All phrases in `text`, left to right, not overlapping."""
        found: list[Found[T]] = []
        at = 0
        while at < len(text):
            hit = self._at(text, at)
            if hit is None:
                at += 1
            else:
                found.append(hit)
                at = hit.last
        return found

    def _at(self, text: Sequence[Word], at: int) -> Found[T] | None:
        for parts, value in self._by_first.get(text[at].text, ()):
            last = at + len(parts)
            if last <= len(text) and all(
                word.text == part for word, part in zip(text[at:last], parts, strict=True)
            ):
                return Found(value, at, last, text[at].start, text[last - 1].end)
        return None
