"""Dates as ranges of time: `2013-01` is all of January. FHIR R4 3.1.1.4.7.

What has no time zone counts as UTC.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

FIRST = datetime(1, 1, 2, tzinfo=UTC)
LAST = datetime(9999, 12, 30, tzinfo=UTC)
"""Stand for open ends; a day inside datetime's own limits, so that zones cannot overflow them."""

Range = tuple[datetime, datetime]
"""From the first instant to the first instant after."""

_DATE = re.compile(
    r"(?P<year>\d{4})(-(?P<month>\d\d)(-(?P<day>\d\d)"
    r"(T(?P<hour>\d\d):(?P<minute>\d\d)(:(?P<second>\d\d)(\.(?P<fraction>\d+))?)?"
    r"(?P<zone>Z|[+-]\d\d:\d\d)?)?)?)?"
)


def parse_range(text: str) -> Range | None:
    """The range that a date, dateTime or instant covers, None when it is none."""
    match = _DATE.fullmatch(text)
    if match is None:
        return None
    try:
        begin = _begin(match)
        return _clamp(begin), _clamp(_end(begin, match))
    except (ValueError, OverflowError):
        return None


def range_of(type: str, value: Any) -> Range | None:
    """The range of a FHIR value of a date-like type."""
    if type in ("date", "dateTime", "instant"):
        return parse_range(value) if isinstance(value, str) else None
    if type == "Period" and isinstance(value, dict):
        return _period(value)
    if type == "Timing" and isinstance(value, dict):
        ranges = [parse_range(event) for event in value.get("event", ())]
        known = [one for one in ranges if one is not None]
        bounds = value.get("repeat", {}).get("boundsPeriod")
        known += [_period(bounds)] if isinstance(bounds, dict) else []
        return (min(r[0] for r in known), max(r[1] for r in known)) if known else None
    return None


def _period(value: dict[str, Any]) -> Range:
    start = parse_range(value.get("start", ""))
    end = parse_range(value.get("end", ""))
    return (start[0] if start else FIRST, end[1] if end else LAST)


def _begin(match: re.Match[str]) -> datetime:
    fraction = ((match["fraction"] or "") + "000000")[:6]
    second = min(int(match["second"] or 0), 59)  # a leap second is the last of its minute
    local = datetime(
        int(match["year"]),
        int(match["month"] or 1),
        int(match["day"] or 1),
        int(match["hour"] or 0),
        int(match["minute"] or 0),
        second,
        int(fraction),
        tzinfo=UTC,
    )
    zone = match["zone"]
    if not zone or zone == "Z":
        return local
    offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[4:6]))
    return local - offset if zone[0] == "+" else local + offset


def _end(begin: datetime, match: re.Match[str]) -> datetime:
    if match["month"] is None:
        return begin.replace(year=begin.year + 1)
    if match["day"] is None:
        return (begin + timedelta(days=32)).replace(day=1)
    if match["hour"] is None:
        return begin + timedelta(days=1)
    if match["second"] is None:
        return begin + timedelta(minutes=1)
    # MongoDB keeps milliseconds, so no instant is shorter than one.
    return begin + (timedelta(milliseconds=1) if match["fraction"] else timedelta(seconds=1))


def _clamp(moment: datetime) -> datetime:
    return min(max(moment, FIRST), LAST)
