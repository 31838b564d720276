"""DTM, TS, DT, TM and DR as FHIR times and periods."""

from __future__ import annotations

from integrations.hl7v2.mapping.context import Context, Json
from integrations.hl7v2.mapping.datatypes.registry import Use, converts
from integrations.hl7v2.mapping.moments import clock_time
from integrations.hl7v2.mapping.values import Parts, component


@converts(("DTM", "ST"), "dateTime", (1,))
def date_time(parts: Parts, context: Context, use: Use) -> str | None:
    """A dateTime."""
    found = context.moment(component(parts, 1))
    return found.datetime() if found else None


@converts(("DTM", "ST"), "date", (1,))
def date(parts: Parts, context: Context, use: Use) -> str | None:
    """The date as told; where a birth time goes is a row of its own."""
    found = context.moment(component(parts, 1)) if component(parts, 1) else None
    if found and found.time:
        context.problems[:] = [p for p in context.problems if "no zone" not in p]
    return found.date if found else None


@converts(("DTM", "ST"), "instant", (1,))
def instant(parts: Parts, context: Context, use: Use) -> str | None:
    """An instant; a date alone is none."""
    found = context.moment(component(parts, 1))
    if found is None:
        return None
    if not found.instant():
        context.problem("an instant needs a time and its zone")
    return found.instant() or None


@converts(("TM", "DTM", "ST"), "time", (1,))
def time(parts: Parts, context: Context, use: Use) -> str | None:
    """A time of day; its zone, if any, has no place in FHIR."""
    value = component(parts, 1)
    found = clock_time(value)
    if value and not found:
        context.problem("no time of day")
    elif "+" in value or "-" in value:
        context.problem("a FHIR time has no zone")
    return found or None


@converts("DR", "Period", (1, 2))
def period(parts: Parts, context: Context, use: Use) -> Json | None:
    """From and to."""
    return period_of(component(parts, 1), component(parts, 2), context)


@converts("DR", "dateTime", (1,))
def start_of_range(parts: Parts, context: Context, use: Use) -> str | None:
    """The first of the two."""
    return date_time(parts, context, use)


@converts("DTM", "Period", (1,))
def from_then(parts: Parts, context: Context, use: Use) -> Json | None:
    """A period that begins."""
    return period_of(component(parts, 1), "", context)


def period_of(start: str, end: str, context: Context) -> Json | None:
    """A Period of two DTM; one that would end before it begins keeps its begin."""
    first, last = context.moment(start), context.moment(end)
    made: Json = {}
    if first:
        made["start"] = first.datetime()
    if last:
        if first and _before(last.datetime(), first.datetime()):
            context.problem("a period that ends before it begins")
        else:
            made["end"] = last.datetime()
    return made or None


def _before(one: str, other: str) -> bool:
    """Whether `one` is surely earlier: compared as far as both are told, in the same zone."""
    if one[10:][-6:] != other[10:][-6:]:
        return one[:10] < other[:10] and len(one[:10]) == len(other[:10])
    size = min(len(one), len(other))
    return one[:size] < other[:size]
