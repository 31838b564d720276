"""A result of the laboratory belongs to what was measured."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping

from pipelines.note.checks.figures import normal
from pipelines.note.checks.model import Claim, Objection
from terminology.laboratory_values import results_named
from terminology.spoken_units import spans_in

_VALUE = re.compile(r"[^\d.?!;]{0,24}?(?P<value>\d+(?:\.\d+)?)(?![\d/])(?P<behind>\s*[a-z]*)")
_NUMBER = re.compile(r"(?<![a-z\d.])\d+(?:\.\d+)?")
_END = re.compile(r"[.?!;](?!\d)")
_BEFORE = 24
"""Letters before a name in which its value may stand: "9.8 was your A1c"."""


def objections(claim: Claim) -> Iterator[Objection]:
    """Values that were said of another result: left out; of nothing that was named: marked."""
    written = list(_written(normal(claim.text)))
    if not written:
        return
    said, near = _said(normal(claim.said[-1]))
    for name, value in written:
        if value in said.get(name, ()):
            continue
        if any(value in values for values in near.values()):
            yield Objection(f"{value:g} was said of something else than {name}", severe=True)
        elif name not in said:
            yield Objection(f"{name} is not in the words it rests on")


def _written(text: str) -> Iterator[tuple[str, float]]:
    for name, _, end in results_named(text):
        found = _VALUE.match(text, end)
        if found and not spans_in(found["behind"]):
            yield name, float(found["value"][:300])


def _said(text: str) -> tuple[Mapping[str, set[float]], Mapping[str, set[float]]]:
    """For each result the numbers up to the next or just before it, and those plainly its own."""
    found: defaultdict[str, set[float]] = defaultdict(set)
    near: defaultdict[str, set[float]] = defaultdict(set)
    places = list(results_named(text))
    ends = [*(start for _, start, _ in places), len(text)][1:]
    for (name, start, end), until in zip(places, ends, strict=True):
        behind = _numbers(text[end:until])
        found[name] |= behind or _numbers(text[max(0, start - _BEFORE) : start])
        near[name] |= _numbers(_END.split(text[end:until], maxsplit=1)[0])
    return found, near


def _numbers(text: str) -> set[float]:
    return {float(one[:300]) for one in _NUMBER.findall(text)}
