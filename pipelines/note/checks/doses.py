"""A dose belongs to the drug that it was said of."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping

from pipelines.note.checks.figures import normal
from pipelines.note.checks.model import Claim, Objection
from terminology.medications import find_medications
from terminology.spoken_units import is_dose, unit_of
from terminology.words import words

_DOSE = re.compile(r"(?P<value>\d+(?:\.\d+)?)\s*-?\s*(?P<unit>[a-z]+)\b")
_JOINT = re.compile(r"[\s,]*(?:of\s+)?")
_OF = re.compile(r"\s+of\s+")
_NEAR = 40
"""Letters before or behind a drug's name within which a dose is plainly that drug's."""

Dose = tuple[float, str]


def objections(claim: Claim) -> Iterator[Objection]:
    """Doses of a drug for which others were said: left out when another drug has this one."""
    around, near = _said(normal(claim.said[-1]))
    for drug, dose in _written(normal(claim.text)):
        if around[drug] and dose not in around[drug]:
            others = any(dose in doses for other, doses in near.items() if other != drug)
            said = f"{dose[0]:g} {dose[1]} was not said of {drug}"
            yield Objection(said, severe=others)


def _said(text: str) -> tuple[Mapping[str, set[Dose]], Mapping[str, set[Dose]]]:
    """For each drug all doses up to the next drug and just before it, and those close by."""
    around: defaultdict[str, set[Dose]] = defaultdict(set)
    near: defaultdict[str, set[Dose]] = defaultdict(set)
    doses = list(_doses(text))
    for name, start, end, following in _drugs(text):
        for dose, first, last in doses:
            before = start - _NEAR <= last <= start
            # "20 mg of" belongs to the next drug, whatever stands before.
            until = following if _OF.fullmatch(text, last, max(last, following)) is None else 0
            if before or end <= first < until:
                around[name].add(dose)
            behind = end <= first < min(end + _NEAR, until)
            if behind or (last <= start and _JOINT.fullmatch(text, last, start)):
                near[name].add(dose)
    return around, near


def _written(text: str) -> Iterator[tuple[str, Dose]]:
    """Each drug with the first dose behind it, unless that is in front of the next drug."""
    doses = list(_doses(text))
    for name, _, end, following in _drugs(text):
        behind = [one for one in doses if end <= one[1] < following]
        if behind and not _JOINT.fullmatch(text, behind[0][2], following):
            yield name, behind[0][0]


def _drugs(text: str) -> Iterator[tuple[str, int, int, int]]:
    """Name, beginning, end, and where the next drug begins."""
    found = find_medications(words(text))
    starts = [*(one.start for one in found), len(text)][1:]
    for one, following in zip(found, starts, strict=True):
        yield one.medication.name, one.start, one.end, following


def _doses(text: str) -> Iterator[tuple[Dose, int, int]]:
    for found in _DOSE.finditer(text):
        unit = unit_of(found["unit"])
        if unit is not None and is_dose(unit):
            yield (float(found["value"][:300]), unit), found.start(), found.end()
