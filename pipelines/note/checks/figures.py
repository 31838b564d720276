"""Doses, vital signs, spans and dates of a sentence must be figures that somebody said."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pipelines.facts.numbers import with_digits
from pipelines.facts.vitals import Reading, readings
from pipelines.note.checks.model import Claim, Objection
from pipelines.note.checks.named_figures import without_names
from terminology.spoken_units import (
    also_said,
    is_dose,
    same_spans,
    singular_numbers,
    unit_of,
    with_counts,
)

# "COVID-19" and "B12" are names: their digits are not figures anybody stated.
_FIGURE = re.compile(
    r"(?<![a-z0-9.])(?<![a-z]-)(?P<figure>\d+(?:\.\d+)?)(?:\s*-?\s*(?P<unit>[a-z]+|%))?"
)
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}\b)")
_SPLIT_POINT = re.compile(r"(?<=\d)\. (?=\d\b)")
"""Recognisers write "98. 6" for "ninety-eight point six"."""
_RATIO = re.compile(r"\b(\d+)\s*(?:/|over|out of|of)\s*(\d+)\b")
_SCORE = re.compile(r"\b(?P<figure>\d+(?:\.\d+)?)\s*(?:/|out of|of)\s*10\b(?!/)")
_SCORED = "score"
"""The unit of "4 out of 10": these are not 4 days, and not 10 of anything."""
_AND_A_HALF = re.compile(r"\b(\d+) and a half\b")
_ONE = re.compile(r"\b(?:an?|every|each|per|past|last|next|another)\s+(?=([a-z]+))")
_AGE = re.compile(r"\b(\d+)[\s-]*(?:years?|yrs?|y)[\s./-]*o(?:ld)?\b")


@dataclass(frozen=True)
class _Figure:
    value: float
    unit: str | None


def objections(claim: Claim) -> Iterator[Objection]:
    """Figures that were not said, were said with another unit, or are another vital sign's."""
    said: defaultdict[float, set[str]] = defaultdict(set)
    for text in claim.said:
        for figure in _spoken(text):
            said[figure.value] |= {figure.unit} if figure.unit else set()
    age = _age(claim)
    for figure in _figures(without_names(normal(claim.text))):
        if not _counts(figure) or _said_otherwise(figure, said):
            continue
        if figure.value not in (age, *said):
            yield Objection(f"{figure.value:g} was not said", severe=True)
        elif figure.unit and figure.value in said:
            yield from _unit_objections(figure, said[figure.value])
    ratios = {ratio for text in claim.said for plain in _variants(text) for ratio in _ratios(plain)}
    for ratio in _ratios(normal(claim.text)):
        if ratio not in ratios and ratio[::-1] in ratios:
            yield Objection(f"{ratio[0]} over {ratio[1]} was said the other way round", severe=True)
    yield from _reading_objections(claim)


def _said_otherwise(figure: _Figure, said: Mapping[float, set[str]]) -> bool:
    """Whether the same span was said in another unit: two weeks for fourteen days."""
    spans = same_spans(figure.value, figure.unit) if figure.unit else ()
    return any(unit in said.get(value, ()) for value, unit in spans)


def _unit_objections(figure: _Figure, units: set[str]) -> Iterator[Objection]:
    if figure.unit is None or figure.unit in units:
        return
    if units:
        yield Objection(f"{figure.value:g} was said of something else", severe=True)
    elif is_dose(figure.unit):
        yield Objection(f"the unit of {figure.value:g} was not said")


def _reading_objections(claim: Claim) -> Iterator[Objection]:
    said = [one for text in claim.said for plain in _variants(text) for one in readings(plain)]
    for reading in readings(normal(claim.text)):
        same = [_values(one) for one in said if one.name == reading.name]
        if same and _values(reading) not in same:
            yield Objection(f"the {reading.name} was said otherwise", severe=True)
        elif not same:
            yield Objection(f"the {reading.name} is not plainly said")


def _values(reading: Reading) -> tuple[tuple[str, float], ...]:
    return tuple((quantity.name, quantity.value) for quantity in reading.values)


def _counts(figure: _Figure) -> bool:
    """Whether the figure states an amount: "one of them" and "once daily" do not."""
    return figure.value != 1 or figure.unit not in (None, "time")


def _age(claim: Claim) -> float | None:
    """The age that the sentence tells, when the chart knows it."""
    known = claim.chart.age_years
    told = _AGE.search(normal(claim.text))
    return float(int(known)) if known is not None and told else None


def _spoken(text: str) -> Iterator[_Figure]:
    for plain in _variants(text):
        yield from _figures(f"{plain} ; {also_said(plain)}")
    for one in _ONE.finditer(normal(text)):
        if unit := unit_of(one.group(1)):
            yield _Figure(1.0, unit)


def _figures(plain: str) -> Iterator[_Figure]:
    for found in _SCORE.finditer(plain):
        yield _Figure(float(found["figure"][:300]), _SCORED)
    for found in _FIGURE.finditer(_SCORE.sub(";", plain)):
        # A speaker can be given more digits than a number can hold.
        value = float(found["figure"][:300])
        yield _Figure(value, unit_of(found["unit"] or ""))


def _ratios(plain: str) -> list[tuple[str, str]]:
    return _RATIO.findall(plain)


def _variants(text: str) -> tuple[str, str]:
    """The text as it was written, and with the points that a recogniser took for full stops."""
    plain = normal(text)
    return plain, _SPLIT_POINT.sub(".", plain)


def normal(text: str) -> str:
    """Lower case, digits instead of spoken numbers, no thousands separators."""
    folded = unicodedata.normalize("NFKC", text).lower()
    counted = with_counts(with_digits(singular_numbers(_THOUSANDS.sub("", folded))))
    return _AND_A_HALF.sub(r"\1.5", counted)
