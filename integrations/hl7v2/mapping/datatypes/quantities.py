"""NM, SN, CQ, CP, NR and NA as Quantity, Range, Ratio, SampledData, Money and Duration."""

from __future__ import annotations

from typing import Any

from integrations.hl7v2.mapping.context import Context, Json
from integrations.hl7v2.mapping.datatypes.registry import Use, converts
from integrations.hl7v2.mapping.datatypes.texts import number
from integrations.hl7v2.mapping.values import Parts, component, nested, subcomponent, whole

UCUM = "http://unitsofmeasure.org"
_COMPARATORS = ("<", "<=", ">=", ">")
_DURATIONS = {"S": "s", "SEC": "s", "M": "min", "MIN": "min", "H": "h", "HR": "h", "D": "d",
              "DAY": "d", "W": "wk", "WK": "wk", "MO": "mo", "L": "mo", "A": "a", "Y": "a",
              "YR": "a"}  # fmt: skip


@converts("NM", "Quantity", (1,))
def plain(parts: Parts, context: Context, use: Use) -> Json | None:
    """A number; its unit is a row of its own. `<5` and the like keep their comparator."""
    text = component(parts, 1)
    for sign in ("<=", ">=", "<", ">"):
        if text.startswith(sign):
            value = number(text[len(sign) :].strip(), context)
            return None if value is None else {"value": value, "comparator": sign}
    value = number(text, context)
    return None if value is None else {"value": value}


@converts("CWE", "Quantity", (1, 2, 3, 9))
def unit(parts: Parts, context: Context, use: Use) -> Json | None:
    """A unit: its text, and the code where the sender says that it is UCUM."""
    code, text = component(parts, 1), whole(parts, 2) or whole(parts, 9)
    made: Json = {}
    if text or code:
        made["unit"] = text or code
    system = context.codes.system(component(parts, 3))
    if system and code and " " not in code:
        made |= {"system": system, "code": code}
    return made or None


@converts("SN", "Quantity", (1, 2))
def structured(parts: Parts, context: Context, use: Use) -> Json | None:
    """Comparator and number."""
    value = number(component(parts, 2), context)
    if value is None:
        return None
    comparator = component(parts, 1)
    return {"value": value, **({"comparator": comparator} if comparator in _COMPARATORS else {})}


@converts("SN", "Range", (2, 3, 4))
def between(parts: Parts, context: Context, use: Use) -> Json | None:
    """`2^-^4`."""
    return _range(component(parts, 2), component(parts, 4), context)


@converts("SN", "Ratio", (2, 3, 4))
def ratio(parts: Parts, context: Context, use: Use) -> Json | None:
    """`1^:^128`; both sides are needed."""
    above, below = (number(component(parts, n), context) for n in (2, 4))
    if above is None or below is None:
        return None
    return {"numerator": {"value": above}, "denominator": {"value": below}}


@converts("SN", "string", (1, 2, 3, 4))
def as_text(parts: Parts, context: Context, use: Use) -> str | None:
    """A structured number that FHIR has no type for."""
    return " ".join(text for n in (1, 2, 3, 4) if (text := component(parts, n))) or None


@converts("NR", "Range", (1, 2))
def numeric_range(parts: Parts, context: Context, use: Use) -> Json | None:
    """From and to."""
    return _range(component(parts, 1), component(parts, 2), context)


@converts(("CQ", "ST"), ("Quantity", "Duration"), (1, 2))
def with_unit(parts: Parts, context: Context, use: Use) -> Json | None:
    """A number and its unit, which is a CWE in one component."""
    value = number(component(parts, 1), context)
    if value is None:
        return None
    return {"value": value, **(unit(nested(parts, 2), context, use) or {})}


@converts("CQ", "decimal", (1,))
def bare(parts: Parts, context: Context, use: Use) -> Any:
    """The number alone."""
    return number(component(parts, 1), context)


@converts("CQ", "code", (2,))
def unit_of_time(parts: Parts, context: Context, use: Use) -> str | None:
    """A unit of time as UCUM has it."""
    return duration_unit(subcomponent(parts, 2, 1)) or None


@converts(("NM", "CP", "ST"), "Money", (1,))
def money(parts: Parts, context: Context, use: Use) -> Json | None:
    """An amount and its currency."""
    value = number(component(parts, 1), context)
    if value is None:
        return None
    currency = subcomponent(parts, 1, 2).upper()
    known = len(currency) == 3 and currency.isascii() and currency.isalpha()
    return {"value": value, **({"currency": currency} if known else {})}


@converts("NA", "SampledData", (*range(1, 65),))
def sampled(parts: Parts, context: Context, use: Use) -> Json | None:
    """A row of numbers, one after the other; the period between them is not told in v2."""
    numbers = [text for held in parts if (text := held[0])]
    if any(number(text, context) is None for text in numbers) or not numbers:
        return None
    return {
        "origin": {"value": 0}, "period": 1, "dimensions": 1, "data": " ".join(numbers),
    }  # fmt: skip


@converts("NM", "Duration", (1,))
def days(parts: Parts, context: Context, use: Use) -> Json | None:
    """A length of stay, in days."""
    value = number(component(parts, 1), context)
    if value is None:
        return None
    return {"value": value, "unit": "days", "system": UCUM, "code": "d"}


def duration_unit(text: str) -> str:
    """`MIN`, `min` or `h` as UCUM; "" for anything else."""
    if text in _DURATIONS.values():
        return text
    return _DURATIONS.get(text.upper().rstrip("S") or text.upper(), "")


def _range(low: str, high: str, context: Context) -> Json | None:
    bounds = {"low": number(low, context), "high": number(high, context)}
    made = {name: {"value": value} for name, value in bounds.items() if value is not None}
    if len(made) == 2 and float(bounds["low"]) > float(bounds["high"]):
        context.problem("a range whose low is above its high")
        return None
    return made or None
