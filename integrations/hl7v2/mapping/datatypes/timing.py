"""RPT, RI and TQ as Timing."""

from __future__ import annotations

import re

from integrations.hl7v2.mapping.context import Context, Json
from integrations.hl7v2.mapping.datatypes.quantities import duration_unit
from integrations.hl7v2.mapping.datatypes.registry import Use, converts
from integrations.hl7v2.mapping.datatypes.texts import number
from integrations.hl7v2.mapping.datatypes.times import period_of
from integrations.hl7v2.mapping.values import Parts, component, nested, subcomponent

_EVERY = re.compile(r"Q(\d+)([SMHDWL])")
_TIMES = re.compile(r"(QD|BID|TID|QID|\d+ID)")
_PER_DAY = {"QD": 1, "BID": 2, "TID": 3, "QID": 4}
_UNITS = {"S": "s", "M": "min", "H": "h", "D": "d", "W": "wk", "L": "mo"}
_ABBREVIATIONS = "http://terminology.hl7.org/CodeSystem/v3-GTSAbbreviation"
_CODED = frozenset(("BID", "TID", "QID", "AM", "PM", "QD", "QOD"))


@converts(("RPT", "RI", "CWE", "ST"), "Timing", (1, 2, 3, 4, 5, 6, 7, 8, 9))
def repeat(parts: Parts, context: Context, use: Use) -> Json | None:
    """A repeat pattern (table 0335): what is understood as `repeat`, all of it as the code."""
    pattern = component(parts, 1)
    if not pattern:
        return None
    made: Json = {}
    rule = _rule(pattern.upper())
    if rule:
        made["repeat"] = rule
    coding = [{"system": _ABBREVIATIONS, "code": pattern}] if pattern in _CODED else []
    made["code"] = {**({"coding": coding} if coding else {}), "text": pattern}
    return made


@converts("TQ", "Timing", (1, 2, 3, 4, 5))
def quantity(parts: Parts, context: Context, use: Use) -> Json | None:
    """TQ-2 the interval, TQ-3 how long, TQ-4 and TQ-5 from and to."""
    made = repeat(nested(parts, 2), context, use) or {}
    held = made.setdefault("repeat", {})
    bounds = period_of(component(parts, 4), component(parts, 5), context)
    if bounds:
        held["boundsPeriod"] = bounds
    span = re.fullmatch(r"([SMHDWL])(\d+)", component(parts, 3).upper())
    if span and not bounds:
        held["boundsDuration"] = {
            "value": int(span[2]), "unit": _UNITS[span[1]],
            "system": "http://unitsofmeasure.org", "code": _UNITS[span[1]],
        }  # fmt: skip
    if not held:
        del made["repeat"]
    return made or None


@converts("TQ", "Quantity", (1,))
def amount(parts: Parts, context: Context, use: Use) -> Json | None:
    """TQ-1: how much."""
    value = number(component(parts, 1), context)
    if value is None:
        return None
    unit = subcomponent(parts, 1, 2)
    return {"value": value, **({"unit": unit} if unit else {})}


@converts("TQ", "Period", (4, 5))
def span(parts: Parts, context: Context, use: Use) -> Json | None:
    """TQ-4 and TQ-5."""
    return period_of(component(parts, 4), component(parts, 5), context)


@converts("TQ", "instant", (4,))
def begin(parts: Parts, context: Context, use: Use) -> str | None:
    """TQ-4 as an instant."""
    found = context.moment(component(parts, 4))
    return (found.instant() or None) if found else None


@converts("TQ", "instant:end", (5,))
def end(parts: Parts, context: Context, use: Use) -> str | None:
    """TQ-5 as an instant."""
    found = context.moment(component(parts, 5))
    return (found.instant() or None) if found else None


@converts("TQ", "code", (6,))
def priority(parts: Parts, context: Context, use: Use) -> str | None:
    """TQ-6: S, A, R, P, C, T (table 0485)."""
    map = context.codes.map("ExtendedPriorityCodes")
    target = map.codes.get(component(parts, 6)) if map else None
    return target.code if target else None


def _rule(pattern: str) -> Json:
    every = _EVERY.fullmatch(pattern)
    if every and int(every[1]) > 0:
        return {"frequency": 1, "period": int(every[1]), "periodUnit": _UNITS[every[2]]}
    if _TIMES.fullmatch(pattern):
        times = _PER_DAY.get(pattern) or int(pattern[:-2])
        return {"frequency": times, "period": 1, "periodUnit": "d"} if times else {}
    if pattern == "QOD":
        return {"frequency": 1, "period": 2, "periodUnit": "d"}
    return {}


def unit_of(text: str) -> str:
    """The UCUM unit of a duration in SCH-10, AIS-8 and the like."""
    return duration_unit(text)
