"""HL7 v2 times (DTM, TS, DT, TM) as FHIR dates, dateTimes, instants and times.

Precision and zone are those of the sender. FHIR wants a zone with every time of day (2.24.0.1):
the zone is that of the value, else that of MSH-7 (chapter 2, section 2.A.22: it holds for the whole
message), else the site's. Where none is known the date alone is told and the report says so; no
zone is ever made up. Minutes without seconds get `:00`, which R4 asks for; an hour without minutes
can not be told and falls back to the date.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import lru_cache

_DTM = re.compile(
    r"(\d{4})(?:-?(\d\d)(?:-?(\d\d)(?:[ T]?(\d\d)(?::?(\d\d)(?::?(\d\d)(\.\d{1,6})?)?)?)?)?)?"
    r"\s*(?:([+-])(\d\d):?(\d\d)?|(Z))?"
)
_NEVER = "9999"
"""The year of an end that is left open."""
_TM = re.compile(r"(\d\d)(?::?(\d\d)(?::?(\d\d)(\.\d{1,6})?)?)?(?:[+-]\d{4})?")


@dataclass(frozen=True, slots=True)
class Moment:
    """A point in time as told: `date` is YYYY, YYYY-MM or YYYY-MM-DD."""

    date: str
    time: str = ""
    zone: str = ""
    partial: bool = False  # the sender told an hour without minutes

    def datetime(self) -> str:
        """A FHIR dateTime: with the time only where the zone is known."""
        return f"{self.date}T{self.time}{self.zone}" if self.time and self.zone else self.date

    def instant(self) -> str:
        """A FHIR instant, "" when the time or the zone is not known."""
        return f"{self.date}T{self.time}{self.zone}" if self.time and self.zone else ""


@lru_cache(maxsize=4096)
def moment(text: str, message_zone: str, site_zone: tzinfo | None) -> Moment | None:
    """`text`, a DTM, TS or DT; None when it is no time at all."""
    found = _DTM.fullmatch(text.strip())
    if not found:
        return None
    year, month, day, hour, minute, second, fraction = found.groups()[:7]
    if not _possible(year, month, day, hour, minute, second):
        return None
    date = "-".join(part for part in (year, month, day) if part)
    if hour is None or day is None:
        return Moment(date)
    if minute is None:
        return Moment(date, partial=True)
    time = f"{hour}:{minute}:{second or '00'}{fraction or ''}"
    zone = _zone(found) or message_zone or _offset(site_zone, date, hour, minute)
    return Moment(date, time, zone)


def clock_time(text: str) -> str:
    """A TM as a FHIR time, "" when it is none or tells an hour alone."""
    found = _TM.fullmatch(text.strip())
    if not found or found[2] is None or int(found[1]) > 23 or int(found[2]) > 59:
        return ""
    if int(found[3] or 0) > 59:
        return ""
    return f"{found[1]}:{found[2]}:{found[3] or '00'}{found[4] or ''}"


def zone_of(text: str) -> str:
    """The zone that a DTM states, as `+02:00`; "" when it states none."""
    found = _DTM.fullmatch(text.strip())
    return _zone(found) if found else ""


def _zone(found: re.Match[str]) -> str:
    if found[11]:
        return "Z"
    if not found[8]:
        return ""
    hours, minutes = int(found[9]), int(found[10] or 0)
    if hours > 14 or minutes > 59 or (hours == 14 and minutes):
        return ""
    return f"{found[8]}{hours:02}:{minutes:02}"


def _possible(
    year: str, month: str | None, day: str | None, hour: str | None, *rest: str | None
) -> bool:
    minute, second = (int(part or 0) for part in rest)
    if not 1000 <= int(year) < 3000 and year != _NEVER:
        return False  # 880102 is a date of version 2.1, 00010101 the zero of some programs
    try:
        datetime(int(year), int(month or 1), int(day or 1), int(hour or 0), minute, second)
    except ValueError:
        return False
    return True


def _offset(zone: tzinfo | None, date: str, hour: str, minute: str) -> str:
    if zone is None:
        return ""
    local = datetime.fromisoformat(f"{date}T{hour}:{minute}:00").replace(tzinfo=zone)
    text = local.strftime("%z")
    return f"{text[:3]}:{text[3:5]}"
