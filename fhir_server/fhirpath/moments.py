"""Dates and times of partial precision: comparison and arithmetic.

Source: FHIRPath N1 5.6.2.6 and following, 6.1.1, 6.2, 6.7. Seconds and their fraction are one
precision. What has an offset and what has none are compared as they are written.
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache

MOMENTS = frozenset({"date", "dateTime", "instant"})
"""FHIR types that are points in time; `time` is not among them."""

_TEXT = re.compile(
    r"(?P<year>\d{4})(-(?P<month>\d\d)(-(?P<day>\d\d))?)?"
    r"(T(?P<hour>\d\d)(:(?P<minute>\d\d)(:(?P<second>\d\d(\.\d+)?))?)?(?P<zone>Z|[+-]\d\d:\d\d)?)?",
    re.ASCII,
)
_TIME = re.compile(r"(?P<hour>\d\d)(:(?P<minute>\d\d)(:(?P<second>\d\d(\.\d+)?))?)?", re.ASCII)
_FIELDS = ("year", "month", "day", "hour", "minute", "second")
_HOUR, _MINUTE, _SECOND = 3, 4, 5
_DAY_MINUTES = 24 * 60


@dataclass(frozen=True)
class Moment:
    """What is known of a moment, largest unit first; `offset` in minutes. A time has no date."""

    parts: tuple[Decimal, ...]
    offset: int | None = None
    time: bool = False

    def utc(self) -> tuple[Decimal, ...]:
        """The parts moved to UTC, as far as they are known."""
        if not self.offset or len(self.parts) <= _HOUR:
            return self.parts
        moved = _minute(self.parts) - timedelta(minutes=self.offset)
        fields = (moved.year, moved.month, moved.day, moved.hour, moved.minute)
        known = tuple(Decimal(field) for field in fields[: len(self.parts)])
        return known + self.parts[_SECOND:]


def _minute(parts: tuple[Decimal, ...]) -> datetime:
    """The minute that the parts begin with, or the first one of the day."""
    year, month, day, hour, minute = (
        int(part) for part in [*parts, Decimal(0), Decimal(0)][:_SECOND]
    )
    return datetime(year, month, day, hour, minute, tzinfo=UTC)


def is_moment(type: str, text: str) -> bool:
    """Whether the text is a date, dateTime or time, of any precision."""
    return moment(type, text) is not None


@lru_cache(maxsize=4096)
def moment(type: str, text: str) -> Moment | None:
    """The moment of a text, None when it is none."""
    match = (_TIME if type == "time" else _TEXT).fullmatch(text)
    if match is None:
        return None
    names = _FIELDS[_HOUR:] if type == "time" else _FIELDS
    parts = tuple(Decimal(match[name]) for name in names if match[name] is not None)
    if type == "time":
        return Moment(parts, time=True) if _clock(parts) else None
    zone = match["zone"]
    if not _real(parts) or (match["hour"] and not match["day"]):
        return None
    try:
        found = Moment(parts, _offset(zone) if zone else None)
        found.utc()
    except (ValueError, OverflowError):
        return None
    return found


def _offset(zone: str) -> int:
    if zone == "Z":
        return 0
    minutes = int(zone[1:3]) * 60 + int(zone[4:6])
    if minutes >= _DAY_MINUTES or int(zone[4:6]) > 59:
        raise ValueError
    return minutes if zone[0] == "+" else -minutes


def _real(parts: tuple[Decimal, ...]) -> bool:
    try:
        date(*[int(part) for part in (*parts[:_HOUR], Decimal(1), Decimal(1))[:3]])
    except ValueError:
        return False
    return _clock(parts[_HOUR:])


def _clock(parts: tuple[Decimal, ...]) -> bool:
    # FHIR lets a leap second be the 60th.
    return all(part < limit for part, limit in zip(parts, (24, 60, 61), strict=False))


def compare(left: Moment, right: Moment) -> int | None:
    """-1, 0 or 1; None where the precision does not tell. N1 6.2.1."""
    if left.time != right.time:
        return None
    both = left.offset is not None and right.offset is not None
    ours, theirs = (left.utc(), right.utc()) if both else (left.parts, right.parts)
    for one, other in zip(ours, theirs, strict=False):
        if one != other:
            return -1 if one < other else 1
    return 0 if len(ours) == len(theirs) else None


_UNITS = {
    "year": 0, "month": 1, "week": 2, "day": 2, "hour": 3, "minute": 4, "second": 5,
    "millisecond": 5,
}  # fmt: skip
_SECONDS = {"week": 604_800, "day": 86_400, "hour": 3600, "minute": 60, "second": 1}
_MILLI = Decimal("0.001")


def shift(type: str, text: str, amount: Decimal, unit: str) -> str | None:
    """The text moved by an amount of a calendar unit, in its own precision. N1 6.7.

    A unit finer than the precision counts in whole units of that precision; None when `unit` is
    none or the result leaves the years 1 to 9999.
    """
    found = moment(type, text)
    if found is None or unit not in _UNITS:
        return None
    try:
        return _shift_time(found, amount, unit) if found.time else _shift_date(found, amount, unit)
    except (ValueError, OverflowError):
        return None


def _shift_time(found: Moment, amount: Decimal, unit: str) -> str | None:
    if unit not in ("hour", "minute", "second", "millisecond"):
        return None
    seconds = sum(
        (part * size for part, size in zip(found.parts, (3600, 60, 1), strict=False)), Decimal(0)
    )
    seconds = (seconds + _in_seconds(amount, unit)) % 86_400
    fields = (int(seconds) // 3600, int(seconds) // 60 % 60, seconds % 60)
    return _clock_text(fields[: len(found.parts)], found.parts)


def _in_seconds(amount: Decimal, unit: str) -> Decimal:
    if unit == "millisecond":
        return amount * _MILLI
    return (amount if unit == "second" else Decimal(int(amount))) * _SECONDS[unit]


def _shift_date(found: Moment, amount: Decimal, unit: str) -> str | None:
    finest = len(found.parts) - 1
    if unit in ("year", "month") or finest < 2:
        return _shift_months(found, _in_months(amount, unit))
    seconds = _in_seconds(amount, unit)
    if finest < _SECOND:
        step = (86_400, 3600, 60)[finest - 2]
        seconds = Decimal(int(seconds / step) * step)
    second = found.parts[_SECOND] if finest == _SECOND else Decimal(0)
    total = second + seconds
    moved = _minute(found.parts) + timedelta(seconds=int(total // 1))
    fields = (moved.year, moved.month, moved.day, moved.hour, moved.minute)
    return _text(fields, moved.second + total % 1, found)


def _in_months(amount: Decimal, unit: str) -> int:
    whole = int(amount)
    if unit == "year":
        return whole * 12
    if unit == "month":
        return whole
    return int(_in_seconds(amount, unit) / 86_400 / 30)


def _shift_months(found: Moment, months: int) -> str:
    whole = [int(part) for part in found.parts[:_SECOND]]
    if len(whole) == 1:
        months = int(months / 12) * 12
    year, month = divmod(whole[0] * 12 + (whole[1] - 1 if len(whole) > 1 else 0) + months, 12)
    if not 1 <= year <= 9999:
        raise ValueError
    whole[:2] = [year, month + 1][: len(whole)]
    if len(whole) > 2:
        whole[2] = min(whole[2], calendar.monthrange(year, month + 1)[1])
    return _text(tuple(whole), found.parts[_SECOND] if len(found.parts) > _SECOND else None, found)


def _text(fields: tuple[int, ...], second: Decimal | None, like: Moment) -> str:
    day = "-".join(f"{field:0{4 - 2 * bool(i)}d}" for i, field in enumerate(fields[:3]))
    if len(like.parts) <= _HOUR:
        return "-".join(day.split("-")[: len(like.parts)])
    clock: tuple[Decimal | int, ...] = (*fields[_HOUR:], second or Decimal(0))
    return f"{day}T{_clock_text(clock[: len(like.parts) - _HOUR], like.parts[_HOUR:])}{_zone(like)}"


def _clock_text(fields: tuple[Decimal | int, ...], like: tuple[Decimal, ...]) -> str:
    texts = [f"{int(field):02d}" for field in fields]
    if len(fields) == 3:
        places = max(
            -int(like[2].as_tuple().exponent), -int(Decimal(fields[2]).as_tuple().exponent)
        )
        texts[2] = f"{fields[2]:0{3 + places if places > 0 else 2}.{max(places, 0)}f}"
    return ":".join(texts)


def _zone(like: Moment) -> str:
    if like.offset is None:
        return ""
    if like.offset == 0:
        return "Z"
    hours, minutes = divmod(abs(like.offset), 60)
    return f"{'+' if like.offset > 0 else '-'}{hours:02d}:{minutes:02d}"
