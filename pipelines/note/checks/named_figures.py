"""Digits that state no amount: dates, places in a row, types of a disease, levels of the spine."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipelines.facts.numbers import with_digits
from pipelines.note.checks.model import Claim, Objection
from terminology.spoken_units import also_said, months_in, ordinals_in

_DATE = re.compile(r"\b(\d{1,2})/(?:(\d{1,2})/)?((?:19|20)\d\d)\b")
_ORDINAL = re.compile(r"\b\d{1,4}(?:st|nd|rd|th)\b")
_TYPE = re.compile(r"\b(?:type [12](?= diabet| dm)|diabetes(?: mellitus)?,? type [12])\b")
_SPINE = re.compile(r"\b[ctls]\d{1,2} ?- ?[ctls]?\d{1,2}\b")
_NAMES = (_DATE, _ORDINAL, _TYPE, _SPINE)


def without_names(plain: str) -> str:
    """A sentence, in lower case, without them: other checks look after what they say."""
    for pattern in _NAMES:
        plain = pattern.sub(";", plain)
    return plain


def objections(claim: Claim) -> Iterator[Objection]:
    """Dates and places in a row that were not said; a year may be known from elsewhere."""
    spoken = with_digits(claim.said[-1].lower())
    figures = {int(one) for one in re.findall(r"\d{1,6}", f"{spoken} {also_said(spoken)}")}
    months = months_in(spoken)
    written = with_digits(claim.text.lower())
    places = ordinals_in(spoken)
    for month, day, year in _DATE.findall(written):
        told = {*months, *figures}
        days = {*figures, *places}
        if not {int(month), int(day or month)} <= told | days or int(month) not in told:
            yield Objection(f"the date {month}/{day or year} was not said", severe=True)
        elif int(year) not in figures:
            yield Objection(f"the year {year} was not said")
    for place in sorted({int(one[:-2]) for one in _ORDINAL.findall(written)}):
        if place not in places | figures:
            yield Objection(f"number {place} in a row was not said", severe=True)
