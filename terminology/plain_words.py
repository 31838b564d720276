"""Words that bear no statement of their own, that deny, or that are the patient's to say."""

from __future__ import annotations

from functools import cache

from terminology.dataset import dataset


def is_empty(word: str) -> bool:
    """Whether a word says nothing by itself: "about", "reports", "time"."""
    return word in _words("empty")


def is_half_negation(word: str) -> bool:
    """Whether a word says no, or half of it: "quit", "trouble", "unable"."""
    return word in _words("half_negations")


def is_refusal(word: str) -> bool:
    """Whether a word denies what follows it: "won't"."""
    return word in _words("refusals")


def is_of_patients(word: str) -> bool:
    """Whether a patient may say it of a drug that then stands in the plan: "declines"."""
    return word in _words("of_patients")


@cache
def _words(kind: str) -> frozenset[str]:
    return frozenset(word for line in dataset("plain_words")[kind] for word in line.split())
