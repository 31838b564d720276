"""Spoken numbers as digits: "one eighty over one ten" becomes "180 over 110"."""

from __future__ import annotations

import re

_UNITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
_TEENS = [
    "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen",
    "eighteen", "nineteen",
]  # fmt: skip
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_VALUES = (
    {word: value for value, word in enumerate(_UNITS)}
    | {word: value for value, word in enumerate(_TEENS, start=10)}
    | {word: 10 * value for value, word in enumerate(_TENS, start=2)}
)
_CENTURY = 19
_JOINERS = ("hundred", "thousand", "point", "oh", "and")
_NUMBER = "|".join([*_VALUES, *_JOINERS])
_RUN = re.compile(rf"\b(?:{'|'.join(_VALUES)})(?:[\s-]+(?:{_NUMBER})\b)*\b", re.IGNORECASE)
_A = re.compile(r"\ba(?=\s+(?:hundred|thousand)\b)", re.IGNORECASE)
_SPLIT = re.compile(r"[\s-]+")


def with_digits(text: str) -> str:
    """`text` with every spoken number from 0 to 999,999 written in digits."""
    return _RUN.sub(lambda run: _digits(run.group()), _A.sub("one", text))


def numbers_in(text: str) -> list[str]:
    """All numbers of `text` in order, spoken ones included: `["180", "110", "98.6"]`."""
    return re.findall(r"\d+(?:\.\d+)?", with_digits(text))


def _digits(run: str) -> str:
    parts = _SPLIT.split(run.lower())
    written: list[str] = []
    at = 0
    while at < len(parts):
        if parts[at] in _VALUES:
            number, at = _number(parts, at)
            written.append(number)
        else:
            written.append(parts[at])
            at += 1
    return " ".join(written)


def _number(parts: list[str], at: int) -> tuple[str, int]:
    value, at = _below_thousand(parts, at)
    if _is(parts, at, "thousand"):
        value, at = value * 1000, at + 1
        rest = at + _is(parts, at, "and")
        if rest < len(parts) and parts[rest] in _VALUES:
            below, at = _below_thousand(parts, rest)
            value += below
    if _is(parts, at, "point"):
        decimals, after = _decimals(parts, at + 1)
        if decimals:
            return f"{value}.{decimals}", after
    return str(value), at


def _below_thousand(parts: list[str], at: int) -> tuple[int, int]:
    value, after = _below_hundred(parts, at)
    if value == _CENTURY and after < len(parts) and _VALUES.get(parts[after], 0) >= 10:
        # "nineteen ninety-eight" is a year, and nothing else is said so.
        below, after = _below_hundred(parts, after)
        return value * 100 + below, after
    if _is(parts, after, "hundred"):
        value, after = value * 100, after + 1
        rest = after + _is(parts, after, "and")
        if rest < len(parts) and parts[rest] in _VALUES:
            below, after = _below_hundred(parts, rest)
            value += below
    elif 1 <= value <= 9 and after < len(parts):
        return _clipped(parts, value, after)
    return value, after


def _clipped(parts: list[str], hundreds: int, at: int) -> tuple[int, int]:
    """Speech drops "hundred": "one eighty", "one oh two"."""
    if _VALUES.get(parts[at], 0) >= 10:
        below, after = _below_hundred(parts, at)
        return hundreds * 100 + below, after
    if parts[at] == "oh" and at + 1 < len(parts) and 0 < _VALUES.get(parts[at + 1], 0) < 10:
        return hundreds * 100 + _VALUES[parts[at + 1]], at + 2
    return hundreds, at


def _below_hundred(parts: list[str], at: int) -> tuple[int, int]:
    value = _VALUES[parts[at]]
    if value >= 20 and at + 1 < len(parts) and 1 <= _VALUES.get(parts[at + 1], 0) <= 9:
        return value + _VALUES[parts[at + 1]], at + 2
    return value, at + 1


def _decimals(parts: list[str], at: int) -> tuple[str, int]:
    digits = ""
    while at < len(parts) and (0 <= _VALUES.get(parts[at], -1) <= 9 or parts[at] == "oh"):
        digits += str(_VALUES.get(parts[at], 0))
        at += 1
    return digits, at


def _is(parts: list[str], at: int, word: str) -> bool:
    return at < len(parts) and parts[at] == word
