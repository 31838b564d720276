"""Units of doses, spans and frequencies as people say them."""

from __future__ import annotations

import re
from functools import cache

from terminology.dataset import dataset


@cache
def _units() -> dict[str, str]:
    groups: dict[str, list[str]] = dataset("spoken_units")["units"]
    return {spelling: unit for unit, spellings in groups.items() for spelling in spellings}


@cache
def _doses() -> frozenset[str]:
    return frozenset(dataset("spoken_units")["doses"])


@cache
def _rewrites(name: str) -> tuple[tuple[re.Pattern[str], str], ...]:
    pairs = dataset("spoken_units")[name]
    return tuple((re.compile(pattern), replacement) for pattern, replacement in pairs)


@cache
def _periods() -> tuple[tuple[re.Pattern[str], str], ...]:
    pairs = dataset("spoken_units")["periods"]
    return tuple((re.compile(pattern), period) for period, pattern in pairs.items())


def unit_of(word: str) -> str | None:
    """One name for all spellings of a unit, None for a word that is no unit."""
    return _units().get(word.lower())


def is_dose(unit: str) -> bool:
    """Whether medication is measured in `unit` (as `unit_of` names it)."""
    return unit in _doses()


def periods_in(text: str) -> set[str]:
    """The periods that something recurs in, of `text` in lower case: "day", "week", "month"."""
    return {period for pattern, period in _periods() if pattern.search(text)}


def periods_told(text: str) -> set[str]:
    """The periods of `text` in lower case, with the day that "at bedtime" is a part of."""
    daily = {"day"} if _part_of_a_day().search(text) else set[str]()
    return periods_in(text) | daily


@cache
def _part_of_a_day() -> re.Pattern[str]:
    return re.compile(dataset("spoken_units")["part_of_a_day"])


def months_in(text: str) -> set[int]:
    """The months that `text`, in lower case, names, from 1."""
    named: dict[str, int] = dataset("spoken_units")["months"]
    return {named[word] for word in re.findall(r"[a-z]+", text) if word in named}


def same_spans(value: float, unit: str) -> set[tuple[float, str]]:
    """Other ways to say exactly this: 14 days are 2 weeks, 1.5 years are 18 months."""
    found: set[tuple[float, str]] = set()
    for large, times, small in dataset("spoken_units")["equal"]:
        if unit == small:
            found.add((value / times, large))
        elif unit == large:
            found.add((value * times, small))
    return found


def spans_in(text: str) -> set[str]:
    """The units of time that are named in `text`, in lower case."""
    found = {unit for word in re.findall(r"[a-z]+", text) if (unit := unit_of(word))}
    return found & set(dataset("spoken_units")["spans"])


def vague_spans_in(text: str) -> set[str]:
    """The units of time of which several are named, and not how many."""
    return spans_in(" ".join(_vague().findall(text)))


@cache
def _vague() -> re.Pattern[str]:
    return re.compile(dataset("spoken_units")["vague"])


def ordinals_in(text: str) -> set[int]:
    """The places in a row that `text`, in lower case, names: "second", "2nd"."""
    named: dict[str, int] = dataset("spoken_units")["ordinals"]
    found = {named[word] for word in re.findall(r"[a-z]+", text) if word in named}
    return found | {int(one) for one in re.findall(r"\b(\d{1,4})(?:st|nd|rd|th)\b", text)}


def singular_numbers(text: str) -> str:
    """`text`, in lower case, with "in the one twenties" as "in the one twenty"."""
    return _rewritten(text, "plural_numbers")


def also_said(text: str) -> str:
    """What `text`, in lower case and digits, means beside: morning and evening are twice a day."""
    return " ; ".join(
        found.expand(more) for one, more in _rewrites("also") for found in one.finditer(text)
    )


def with_counts(text: str) -> str:
    """`text`, in lower case, with "twice", "b.i.d." and "a couple of" written as counts."""
    return _rewritten(text, "rewrite")


def _rewritten(text: str, name: str) -> str:
    for pattern, replacement in _rewrites(name):
        text = pattern.sub(replacement, text)
    return text
