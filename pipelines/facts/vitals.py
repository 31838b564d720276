"""Vital signs in a sentence. Units are UCUM (http://unitsofmeasure.org)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pipelines.facts.model import Quantity
from pipelines.facts.numbers import with_digits

_GAP = r"[^\d.?!;]{0,32}?"
_PRESSURE = re.compile(r"(?<![\d.])(\d{2,3})\s*(?:over|/)\s*(\d{2,3})(?![\d/])")
_AIM = re.compile(
    r"\b(?:goal|target|below|less than|under|above|over|aim|want (?:it|you|your)|like (?:it|your)"
    r"|should be|last (?:time|visit|year|month|week)|used to be|if (?:it|your))\b"
)


@dataclass(frozen=True)
class _Rule:
    """`unit` and `low` to `high`: the plausible range; a second range is a second unit."""

    name: str
    pattern: re.Pattern[str]
    ranges: tuple[tuple[str, float, float], ...]


def _rule(name: str, words: str, *ranges: tuple[str, float, float]) -> _Rule:
    return _Rule(name, re.compile(rf"\b(?:{words})\b{_GAP}(\d+(?:\.\d+)?)(?!\d)"), ranges)


_RULES = (
    _rule("heart rate", r"heart rate|pulse(?!\s*ox)(?: rate)?", ("/min", 20, 250)),
    _rule(
        "oxygen saturation",
        r"oxygen|o2|sats?|saturations?|saturating|pulse ox|spo2|sp o2",
        ("%", 50, 100),
    ),
    _rule("temperature", r"temperature|temp|fever of", ("[degF]", 90, 110), ("Cel", 33, 43)),
    _rule(
        "respiratory rate", r"respiratory rate|respirations?|breathing rate|resp rate",
        ("/min", 4, 80),
    ),
    _rule("glucose", r"blood sugars?|blood glucose|glucose|sugars?", ("mg/dL", 20, 900)),
)  # fmt: skip
_WEIGHT = re.compile(
    r"\b(?:weight|weigh|weighs|weighed)\b[^\d.?!;]{0,32}?(\d{2,3}(?:\.\d)?)\s*"
    r"(pounds|pound|lbs|kilos|kilograms|kg)\b"
)
_UNIT_ELSEWHERE = re.compile(
    r"^\s*(?:mg|milligrams?|mcg|units?|days?|weeks?|months?|years?|times|hours?|minutes?|points?"
    r"|pounds?|ml|liters?|litres?)\b"
)


@dataclass(frozen=True)
class Reading:
    """One measured vital sign. `current` is False for a goal or an earlier value."""

    name: str
    values: tuple[Quantity, ...]
    current: bool


def readings(sentence: str) -> list[Reading]:
    """Every plausible vital sign of the sentence, spoken numbers included."""
    text = with_digits(sentence.lower()).replace("°", " ")
    found = [*_pressures(text), *_weights(text)]
    for rule in _RULES:
        for match in rule.pattern.finditer(text):
            quantity = _quantity(rule, float(match.group(1)))
            if quantity and not _UNIT_ELSEWHERE.match(text[match.end() :]):
                found.append(Reading(rule.name, (quantity,), not _AIM.search(match.group())))
    return found


def _quantity(rule: _Rule, value: float) -> Quantity | None:
    for unit, low, high in rule.ranges:
        if low <= value <= high:
            return Quantity(rule.name, value, unit)
    return None


def _pressures(text: str) -> list[Reading]:
    found = []
    for match in _PRESSURE.finditer(text):
        systolic, diastolic = int(match.group(1)), int(match.group(2))
        if 60 <= systolic <= 300 and 30 <= diastolic < systolic:
            values = (
                Quantity("systolic", systolic, "mm[Hg]"),
                Quantity("diastolic", diastolic, "mm[Hg]"),
            )
            aim = _AIM.search(text[max(0, match.start() - 40) : match.start()])
            found.append(Reading("blood pressure", values, aim is None))
    return found


def _weights(text: str) -> list[Reading]:
    return [
        Reading(
            "weight",
            (Quantity("weight", float(m.group(1)), "kg" if m.group(2)[0] == "k" else "[lb_av]"),),
            True,
        )
        for m in _WEIGHT.finditer(text)
    ]
