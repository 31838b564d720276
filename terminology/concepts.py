"""Symptoms, their weighty features and conditions, found by the words people use for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from terminology.dataset import dataset
from terminology.words import Found, PhraseIndex, Word


@dataclass(frozen=True)
class Concept:
    """A clinical idea; `group` is the data file it comes from, `code` is absent when unsure."""

    group: str
    name: str
    system: str | None
    code: str | None


_GROUPS = ("symptoms", "conditions")


@cache
def _index(groups: tuple[str, ...]) -> PhraseIndex[Concept]:
    return PhraseIndex(
        (phrase, Concept(group, entry["name"], data["system"] if code else None, code))
        for group in groups
        for data in (dataset(group),)
        for entry in data["concepts"]
        for code in (entry.get("code"),)
        for phrase in entry["phrases"]
    )


def find_concepts(text: Sequence[Word]) -> list[Found[Concept]]:
    """Symptoms and conditions, the longest phrase first; then features, which may overlap them."""
    return _index(_GROUPS).find(text) + _index(("features",)).find(text)
