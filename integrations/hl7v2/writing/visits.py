"""The state of a visit from its events, in the order in which they happened, not arrived.

Every ADT message about a visit leaves an event in its ledger. State, places and times are worked
out from all of them, sorted by their moments, each time; so a discharge that arrives before the
admission it ends is a discharge still. HL7 v2.8.2 chapter 3.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from fhir_server.resource import Resource
from integrations.hl7v2.writing.tags import sortable

Event = dict[str, Any]
"""t: its tag; e: the trigger; at: when, as sent; s: the draft's status; loc: its places, as
Encounter.location; start, end: its period."""

DERIVED = ("status", "location", "period")
"""Elements of Encounter that are worked out here."""


@dataclass
class _Stay:
    place: dict[str, Any]
    since: str
    until: str = ""


def event_of(draft: Resource, trigger: str, tag: list[int | str], at: str) -> Event:
    """What to remember of a message about a visit. `trigger` is empty for other than ADT."""
    period = draft.get("period", {})
    return {
        "t": tag,
        "e": trigger,
        "at": at,
        "s": draft.get("status", ""),
        "loc": draft.get("location", []),
        "start": period.get("start", ""),
        "end": period.get("end", ""),
    }


def recorded(events: list[Event], event: Event) -> list[Event]:
    """The events with one more, sorted; the same message again changes nothing."""
    others = [one for one in events if one["t"][1:] != event["t"][1:]]
    return sorted([*others, event], key=lambda one: one["t"][1:])


def state_of(events: list[Event]) -> Resource:
    """`status`, `location` and `period` of the Encounter; what is not known is left out."""
    told = [one for one in events if one["e"]] or events
    standing, status = _standing(told)
    places = _places(standing, ended=status == "finished")
    start = next((one["start"] for one in reversed(told) if one["start"]), "")
    end = _end(standing) if status == "finished" else ""
    period = _possible({"start": start, "end": end})
    found: Resource = {"status": status}
    if places:
        found["location"] = places
    if period:
        found["period"] = period
    return found


def _standing(events: list[Event]) -> tuple[list[Event], str]:
    """The events that were not taken back, and the state they lead to."""
    rows, standing, fallback = _events(), list[Event](), ""
    for event in events:
        row = rows.get(event["e"], {})
        standing.append(event)
        if "cancels" not in row:
            fallback = "" if "status" in row else fallback
            continue
        taken = next((one for one in reversed(standing) if _effect(one) in row["cancels"]), None)
        if taken is not None:
            standing.remove(taken)
        fallback = row.get("else", fallback)
        if taken is not None and any(_effect(one) for one in standing if _status(one)):
            fallback = ""
    brought = next((_status(one) for one in reversed(standing) if _status(one)), "")
    plain = next((one["s"] for one in reversed(events) if one["s"]), "")
    return standing, fallback or brought or plain or "unknown"


def _places(events: list[Event], *, ended: bool) -> list[dict[str, Any]]:
    stays: list[_Stay] = []
    for event in events:
        here = next((one for one in event["loc"] if one.get("status", "active") == "active"), None)
        if here is None:
            continue
        if stays and stays[-1].place["location"] == here["location"]:
            stays[-1].place = here
            continue
        if stays:
            stays[-1].until = event["at"]
        stays.append(_Stay(here, event["start"] if not stays and event["start"] else event["at"]))
    if stays and ended:
        stays[-1].until = _end(events)
    found = [_location(one) for one in stays]
    known = [one["location"] for one in found]
    last: list[dict[str, Any]] = next((one["loc"] for one in reversed(events) if one["loc"]), [])
    return found + [one for one in last if one["location"] not in known]


def _location(stay: _Stay) -> dict[str, Any]:
    given = stay.place.get("period", {})
    period = {"start": given.get("start") or stay.since, "end": stay.until}
    return {
        **stay.place,
        "status": "completed" if stay.until else "active",
        "period": _possible(period),
    }


def _possible(period: dict[str, str]) -> dict[str, str]:
    """Without what is not known; a period that would end before it begins keeps its begin."""
    found = {name: value for name, value in period.items() if value}
    if len(found) == 2 and sortable(found["start"]) > sortable(found["end"]):
        del found["end"]
    return found


def _end(events: list[Event]) -> str:
    last = next((one for one in reversed(events) if _effect(one) == "discharge"), None)
    return (last["end"] or last["at"]) if last else ""


def _effect(event: Event) -> str:
    return str(_events().get(event["e"], {}).get("effect", ""))


def _status(event: Event) -> str:
    return str(_events().get(event["e"], {}).get("status", ""))


def trigger_for(what: str) -> str | None:
    """The event that takes `what` back, where an action of the conversion says so."""
    return _table()["actions"].get(what)


def is_known(trigger: str) -> bool:
    """Whether the event has a row of its own."""
    return trigger in _events()


@cache
def _table() -> dict[str, dict[str, Any]]:
    text = files("integrations.hl7v2.writing").joinpath("data/visit_events.json").read_text("utf-8")
    found: dict[str, dict[str, Any]] = json.loads(text)
    return found


def _events() -> dict[str, dict[str, Any]]:
    return _table()["events"]
