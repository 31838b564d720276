"""Sides of the body in running text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache

from terminology.dataset import dataset
from terminology.words import PhraseIndex, Word

_NO_SIDE = ""


@cache
def _index() -> PhraseIndex[str]:
    data = dataset("laterality")
    sides = [(phrase, side) for side, phrases in data["sides"].items() for phrase in phrases]
    return PhraseIndex([*sides, *((phrase, _NO_SIDE) for phrase in data["no_side"])])


def sides_in(text: Sequence[Word]) -> Iterator[tuple[str, str]]:
    """Each side named ("left", "right" or "both") with the word behind it, "" at the end."""
    for found in _index().find(text):
        if found.value != _NO_SIDE:
            behind = text[found.last].text if found.last < len(text) else ""
            yield found.value, behind
