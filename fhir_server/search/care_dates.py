"""When care took place: `start` and `end` of $everything as search criteria.

https://hl7.org/fhir/R4/patient-operation-everything.html: a range of care, not of record, dates.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from fhir_server.dates import parse_range
from fhir_server.errors import InvalidParameter
from fhir_server.search.criteria import And, Criterion, Or
from fhir_server.search.query import parse
from fhir_server.search.registry import Registry

CareRange = tuple[str | None, str | None]
"""First and last day of care, both included; None where it is open."""


def care_range(start: str | None, end: str | None) -> CareRange:
    """The range asked for. Raises `InvalidParameter` when one is no date."""
    for name, text in (("start", start), ("end", end)):
        if text is not None and parse_range(text) is None:
            raise InvalidParameter(f"{name} takes a date.")
    return start, end


def within(type: str, range: CareRange, registry: Registry) -> Criterion | None:
    """What keeps resources of `type` to the range, None where the type has no date of care.

    The first parameter that a resource has a value of decides; without any it is kept, as nobody
    can say that it is outside.
    """
    wanted = [
        (prefix, text) for prefix, text in zip(("ge", "le"), range, strict=True) if text is not None
    ]
    codes = parameters().get(type, ())
    if not wanted or not codes:
        return None
    kept: Criterion | None = None
    for code in reversed(codes):
        inside = parse(type, [(code, prefix + text) for prefix, text in wanted], registry=registry)
        absent = parse(type, [(f"{code}:missing", "true")], registry=registry)
        otherwise = absent.criteria if kept is None else (*absent.criteria, kept)
        kept = Or((And(inside.criteria), And(otherwise)))
    return kept


@cache
def parameters() -> Mapping[str, tuple[str, ...]]:
    """The parameters that say when care took place, by type, first choice first."""
    text = files("fhir_server.search").joinpath("data", "care_dates.json").read_text("utf-8")
    return {type: tuple(codes) for type, codes in json.loads(text)["types"].items()}
