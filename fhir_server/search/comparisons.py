"""Dates, numbers, quantities and places compared: prefixes and precision.

FHIR R4 3.1.1.4.5 (prefixes), 3.1.1.4.6 (number), 3.1.1.4.7 (date), 3.1.1.4.11 (quantity) and the
special parameter `near` of Location.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from fhir_server.dates import FIRST, LAST, Range, parse_range
from fhir_server.errors import InvalidParameter
from fhir_server.search.amounts import UCUM
from fhir_server.search.position import closeness, vector
from fhir_server.search.values import prefix_of, split, unescape
from terminology.ucum import canonical

Filter = dict[str, Any]

_DECIMAL = re.compile(r"[+-]?\d{1,40}(\.\d{1,40})?([eE][+-]?\d{1,2})?")
_NEAR_KM = 50.0
"""How near is near when no distance is given; R4 leaves it to the server."""

_METRE = "m"


def date_filter(code: str, value: str, now: datetime) -> Filter:
    """Raises `InvalidParameter` for what is no date."""
    return _at(code, date_bounds(code, value, now))


def date_bounds(code: str, value: str, now: datetime) -> Filter:
    """The comparison of a stored `{lo, hi}`, or of `lu` for `_lastUpdated`."""
    prefix, text = ("po", value[2:]) if value.startswith("po") else prefix_of(value)
    # A `+` in a query string arrives as a space when the client did not escape it.
    wanted = parse_range(unescape(text).replace(" ", "+"))
    if wanted is None:
        raise InvalidParameter(f"{code} takes a date like 2026-01-31 or 2026-01-31T08:00:00Z.")
    if prefix == "ap":
        prefix, wanted = "po", _around(wanted, now)
    if code == "_lastUpdated":
        return _last_updated(prefix, wanted)
    begin, end = wanted
    comparisons: dict[str, Filter] = {
        "eq": {"lo": {"$gte": begin}, "hi": {"$lte": end}},
        "ne": {"$or": [{"lo": {"$lt": begin}}, {"hi": {"$gt": end}}]},
        "gt": {"hi": {"$gt": end}},
        "lt": {"lo": {"$lt": begin}},
        "ge": {"$or": [{"hi": {"$gt": end}}, {"lo": {"$gte": begin}}]},
        "le": {"$or": [{"lo": {"$lt": begin}}, {"hi": {"$lte": end}}]},
        "sa": {"lo": {"$gte": end}},
        "eb": {"hi": {"$lte": begin}},
        "po": {"lo": {"$lt": end}, "hi": {"$gt": begin}},
    }
    return comparisons[prefix]


def _around(wanted: Range, now: datetime) -> Range:
    """R4 3.1.1.4.5 `ap`: a tenth of the way between the date and now, on both sides."""
    begin, end = wanted
    slack = abs(now - begin) / 10
    return (
        begin - min(slack, begin - FIRST),
        end + min(slack, max(LAST - end, timedelta())),
    )


def since(moment: datetime) -> Filter:
    """At that millisecond or later.

    Not `$gte`: SecantusDB leaves the bound itself out of a descending index.
    """
    return {"$gt": moment - timedelta(milliseconds=1)}


def _last_updated(prefix: str, wanted: Range) -> Filter:
    begin, end = wanted
    comparisons: dict[str, Filter] = {
        "eq": {"lu": {**since(begin), "$lt": end}},
        "ne": {"$or": [{"lu": {"$lt": begin}}, {"lu": since(end)}]},
        "gt": {"lu": since(end)},
        "lt": {"lu": {"$lt": begin}},
        "ge": {"lu": since(begin)},
        "le": {"lu": {"$lt": end}},
        "sa": {"lu": since(end)},
        "eb": {"lu": {"$lt": begin}},
        "po": {"lu": {**since(begin), "$lt": end}},
    }
    return comparisons[prefix]


def amount_filter(code: str, value: str, now: datetime) -> Filter:
    """A number, or `number|system|code` of a quantity. Raises `InvalidParameter`."""
    forms = [_at(code + form, bounds) for form, bounds in amount_bounds(code, value)]
    return forms[0] if len(forms) == 1 else {"$or": forms}


def amount_bounds(code: str, value: str) -> list[tuple[str, Filter]]:
    """The unit forms in which a stored amount may match, each with its comparison."""
    number, *unit = [unescape(part) for part in split(value, "|")]
    prefix, text = prefix_of(number)
    if not _DECIMAL.fullmatch(text):
        raise InvalidParameter(f"{code} takes a number like 5.4 or 5.40e-3.")
    exact = Decimal(text)
    if len(unit) not in (0, 2):
        raise InvalidParameter(f"{code} takes number, number|system|code or number||code.")
    system, name = unit or ["", ""]
    if not name:
        if system:
            raise InvalidParameter(f"{code} takes a unit after the system.")
        return [("", _compare(prefix, exact, half_step(text)))]
    form = f"|{system}|{name}"
    found = [(form, _compare(prefix, exact, half_step(text)))]
    if system == UCUM:
        return _canonical(prefix, exact, half_step(text), name) or found
    return found


def half_step(text: str) -> Decimal:
    """Half a unit of the last digit: 100 is 99.5 to 100.5, 1e2 is 50 to 150 (R4 3.1.1.4.6)."""
    mantissa, _, exponent = text.lower().partition("e")
    digits = len(mantissa.partition(".")[2])
    return Decimal(5).scaleb(int(exponent or 0) - digits - 1)


def _canonical(prefix: str, exact: Decimal, half: Decimal, name: str) -> list[tuple[str, Filter]]:
    try:
        found = canonical(exact, name)
        above, below = canonical(exact + half, name), canonical(exact - half, name)
    except (InvalidOperation, ValueError):
        return []
    if found is None or above is None or below is None:
        return []
    return [(f"|={found[1]}", _compare(prefix, found[0], abs(above[0] - below[0]) / 2))]


def _compare(prefix: str, exact: Decimal, half: Decimal) -> Filter:
    """R4 3.1.1.4.5: precision counts for eq and ne alone."""
    point = float(exact)
    begin, end = float(exact - half), float(exact + half)
    slack = float(max(abs(exact) / 10, half))
    comparisons: dict[str, Filter] = {
        "eq": {"lo": {"$gte": begin}, "hi": {"$lt": end}},
        "ne": {"$or": [{"lo": {"$lt": begin}}, {"hi": {"$gte": end}}]},
        "gt": {"hi": {"$gt": point}},
        "lt": {"lo": {"$lt": point}},
        "ge": {"hi": {"$gte": point}},
        "le": {"lo": {"$lte": point}},
        "sa": {"lo": {"$gt": point}},
        "eb": {"hi": {"$lt": point}},
        "ap": {"lo": {"$lte": point + slack}, "hi": {"$gte": point - slack}},
    }
    return comparisons[prefix]


def _at(code: str, bounds: Filter) -> Filter:
    if code == "_lastUpdated":
        return bounds
    return {"r": {"$elemMatch": {"p": code, **bounds}}}


def place_filter(value: str) -> Filter:
    """`near=latitude|longitude|distance|unit`. Raises `InvalidParameter`."""
    parts = value.split("|")
    if not 2 <= len(parts) <= 4 or not all(_DECIMAL.fullmatch(one) for one in parts[:2]):
        raise InvalidParameter("near takes latitude|longitude|distance|unit, as 42.3|-83.7|11|km.")
    latitude, longitude = float(parts[0]), float(parts[1])
    if abs(latitude) > 90 or abs(longitude) > 180:
        raise InvalidParameter("near takes a latitude of 90 and a longitude of 180 at most.")
    wanted = vector(latitude, longitude)
    products = [{"$multiply": [f"$geo.{axis}", wanted[axis]]} for axis in wanted]
    # Null times a number is null, and null is less than any number: no place, no match.
    return {"$expr": {"$gte": [{"$add": products}, closeness(_kilometres(parts[2:]))]}}


def _kilometres(parts: list[str]) -> float:
    if not parts or not parts[0]:
        return _NEAR_KM
    if not _DECIMAL.fullmatch(parts[0]) or Decimal(parts[0]) < 0:
        raise InvalidParameter("near takes a distance of 0 or more.")
    unit = parts[1] if len(parts) > 1 and parts[1] else "km"
    found = canonical(Decimal(parts[0]), {"mi": "[mi_i]", "miles": "[mi_i]"}.get(unit, unit))
    if found is None or found[1] != _METRE:
        raise InvalidParameter("near takes a unit of length of UCUM, as km, m or [mi_i].")
    return float(found[0]) / 1000
