"""Numbers and quantities as ranges to compare with. FHIR R4 3.1.1.4.6 and 3.1.1.4.11.

A value is a point, a Range or a quantity with a comparator an interval; bounds are doubles, whose
15 to 17 digits outlast any measurement. Each stands under the forms in which a search may ask:

    p              the number whatever its unit
    p|system|code  p||code  p||unit
    p|=unit        the value in the base units of UCUM, so that 5.4 mg and 0.0054 g are the same
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from terminology.ucum import canonical

UCUM = "http://unitsofmeasure.org"
CURRENCY = "urn:iso:std:iso:4217"

Amount = tuple[str, float, float]
"""The unit form (empty for any unit), lowest and highest value."""

_INFINITE = float("inf")
_QUANTITIES = frozenset(
    {"Quantity", "Age", "Count", "Distance", "Duration", "SimpleQuantity", "MoneyQuantity"}
)


def amounts(type: str, value: Any) -> Iterator[Amount]:
    """Every form of a number, Quantity, Money, Range or SampledData."""
    if type in _QUANTITIES:
        yield from _quantity(value)
    elif type == "Money":
        yield from _forms(value, value.get("value"), value.get("value"), CURRENCY, "currency")
    elif type == "Range":
        yield from _range(value)
    elif type == "SampledData":
        yield from _sampled(value)
    elif not isinstance(value, bool | str | dict):
        yield "", float(value), float(value)


def _quantity(value: dict[str, Any]) -> Iterator[Amount]:
    number, comparator = value.get("value"), value.get("comparator")
    low = None if comparator in ("<", "<=") else number
    high = None if comparator in (">", ">=") else number
    if number is not None:
        yield from _forms(value, low, high, value.get("system"), "code")


def _range(value: dict[str, Any]) -> Iterator[Amount]:
    low, high = value.get("low", {}), value.get("high", {})
    described = low if low.get("code") or low.get("unit") else high
    if "value" in low or "value" in high:
        system = described.get("system")
        yield from _forms(described, low.get("value"), high.get("value"), system, "code")


def _sampled(value: dict[str, Any]) -> Iterator[Amount]:
    origin = value.get("origin", {})
    measured = [number for text in value.get("data", "").split() for number in _decimal(text)]
    if measured:
        factor = Decimal(value.get("factor", 1))
        start = Decimal(origin.get("value", 0))
        low, high = (start + factor * one for one in (min(measured), max(measured)))
        yield from _forms(origin, low, high, origin.get("system"), "code")


def _decimal(text: str) -> Iterator[Decimal]:
    try:  # E, L and U say that there is no value, or one beyond the limits
        yield Decimal(text)
    except InvalidOperation:
        return


def _forms(
    value: dict[str, Any], low: Any, high: Any, system: str | None, code_name: str
) -> Iterator[Amount]:
    code, unit = value.get(code_name), value.get("unit")
    bounds = _bounds(low, high)
    yield "", *bounds
    if code:
        yield f"|{system or ''}|{code}", *bounds
    for name in dict.fromkeys(one for one in (code if system else None, unit) if one):
        if name != code or system:
            yield f"||{name}", *bounds
    if code and system == UCUM:
        yield from _canonical(low, high, code)


def _canonical(low: Any, high: Any, code: str) -> Iterator[Amount]:
    lowest = _in_base_units(low, code)
    highest = _in_base_units(high, code)
    known = lowest or highest
    if known is not None:
        yield f"|={known[1]}", *_bounds(lowest and lowest[0], highest and highest[0])


def _in_base_units(number: Any, code: str) -> tuple[Decimal, str] | None:
    return None if number is None else canonical(Decimal(number), code)


def _bounds(low: Any, high: Any) -> tuple[float, float]:
    return (
        -_INFINITE if low is None else float(low),
        _INFINITE if high is None else float(high),
    )
