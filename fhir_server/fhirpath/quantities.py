"""Quantities: literals, comparison in canonical UCUM units, arithmetic. FHIRPath N1 5.6.2.8, 6.2.

A quantity that an expression writes or computes is a JSON object like FHIR's Quantity. A calendar
unit (`year`) is its `unit` and has no code: a year is no `a` of UCUM, which has 365.25 days.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from fhir_server.fhirpath.node import Node
from terminology.ucum import canonical

UCUM = "http://unitsofmeasure.org"

CALENDAR_UNITS = {
    name: name.removesuffix("s")
    for base in ("year", "month", "week", "day", "hour", "minute", "second", "millisecond")
    for name in (base, base + "s")
}
"""The words for calendar units, each with its singular."""

_DEFINITE = {
    "week": "wk",
    "day": "d",
    "hour": "h",
    "minute": "min",
    "second": "s",
    "millisecond": "ms",
}
_MONTHS = {"year": 12, "month": 1}
_AS_CALENDAR = {
    "a": "year", "mo": "month", "wk": "week", "d": "day", "h": "hour", "min": "minute",
    "s": "second", "ms": "millisecond",
}  # fmt: skip


def quantity(value: Decimal, unit: str, *, calendar: bool = False) -> Node:
    """A System.Quantity with a UCUM code, or with a calendar unit."""
    if calendar:
        return Node("quantity", {"value": value, "unit": CALENDAR_UNITS[unit]})
    return Node("quantity", {"value": value, "unit": unit, "system": UCUM, "code": unit})


def number(value: Any) -> Decimal | None:
    """A JSON number as a decimal."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, Decimal | int):
        return Decimal(value)
    return Decimal(str(value)) if isinstance(value, float) else None


def unit_of(value: dict[str, Any]) -> str:
    """The UCUM code of a quantity, its unit in words when it has none."""
    return str(value.get("code") or value.get("unit") or "1")


def calendar_unit(value: dict[str, Any]) -> str | None:
    """The calendar unit by which a quantity moves a date: `1 year`, and `1 'a'` of UCUM too."""
    unit = str(value.get("unit"))
    if "code" not in value:
        return CALENDAR_UNITS.get(unit)
    return _AS_CALENDAR.get(str(value["code"]))


def compare(left: dict[str, Any], right: dict[str, Any]) -> Decimal | None:
    """The sign of left - right; None when their units cannot be compared."""
    one, other = number(left.get("value")), number(right.get("value"))
    if one is None or other is None or left.get("comparator") or right.get("comparator"):
        return None
    if _form(left) == _form(right):
        return one.compare(other)
    ours, theirs = _canonical(one, left), _canonical(other, right)
    if ours is None or theirs is None or ours[1] != theirs[1]:
        return None
    return ours[0].compare(theirs[0])


def _form(value: dict[str, Any]) -> tuple[Any, Any]:
    return value.get("system"), unit_of(value)


def _canonical(amount: Decimal, value: dict[str, Any]) -> tuple[Decimal, str] | None:
    system, unit = value.get("system"), unit_of(value)
    if system is None and "code" not in value:
        if unit in _MONTHS:
            return amount * _MONTHS[unit], "month"
        known = _DEFINITE.get(unit, unit if unit == "1" else None)
        return canonical(amount, known) if known else None
    return canonical(amount, unit) if system == UCUM else None


def combine(operator: str, left: dict[str, Any], right: dict[str, Any]) -> Node | None:
    """Sum, difference, product or quotient of two quantities; None when there is none."""
    one, other = number(left.get("value")), number(right.get("value"))
    if one is None or other is None:
        return None
    if operator in ("*", "/"):
        return _scaled(operator, left, right, one, other)
    if _form(left) == _form(right):
        value = one + other if operator == "+" else one - other
        return Node("quantity", {**left, "value": value})
    ours, theirs = _canonical(one, left), _canonical(other, right)
    if ours is None or theirs is None or ours[1] != theirs[1]:
        return None
    return quantity(ours[0] + theirs[0] if operator == "+" else ours[0] - theirs[0], ours[1])


def _scaled(
    operator: str, left: dict[str, Any], right: dict[str, Any], one: Decimal, other: Decimal
) -> Node | None:
    if operator == "/" and other == 0:
        return None
    value = one * other if operator == "*" else one / other
    ours, theirs = unit_of(left), unit_of(right)
    if theirs == "1":
        return Node("quantity", {**left, "value": value})
    if operator == "*":
        return quantity(value, theirs if ours == "1" else f"{ours}.{theirs}")
    return quantity(value, "1" if ours == theirs else f"{ours}/{theirs}")
