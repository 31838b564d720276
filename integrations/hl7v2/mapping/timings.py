"""Periods and timings that keep to the rules of R4."""

from __future__ import annotations

from integrations.hl7v2.mapping.context import Json


def finish_period(holder: Json, name: str) -> None:
    """A period that would end before it begins keeps its begin."""
    period = holder.get(name)
    if isinstance(period, dict) and "start" in period and "end" in period:
        start, end = period["start"], period["end"]
        size = min(len(start), len(end), 10)
        if end[:size] < start[:size] or (end[:10] == start[:10] and _clock(end) < _clock(start)):
            del period["end"]


def finish_timing(timing: Json) -> None:
    """tim-1 to tim-10 for what TQ and TQ1 can put into a Timing."""
    repeat = timing.get("repeat")
    if not isinstance(repeat, dict):
        return
    if "duration" in repeat and "durationUnit" not in repeat:
        del repeat["duration"]
    if "durationUnit" in repeat and "duration" not in repeat:
        del repeat["durationUnit"]
    if "period" in repeat and "periodUnit" not in repeat:
        del repeat["period"]
    if "countMax" in repeat and "count" not in repeat:
        repeat["count"] = repeat.pop("countMax")  # tim-7: a maximum needs a count beside it
    if "timeOfDay" in repeat or "when" not in repeat:
        repeat.pop("offset", None)  # tim-9
    if "boundsPeriod" in repeat:
        repeat.pop("boundsDuration", None)
        finish_period(repeat, "boundsPeriod")
    if not repeat:
        del timing["repeat"]


def _clock(text: str) -> str:
    """The time of day for a comparison on one day, "~" where none is told."""
    return text[11:19] or "~"
