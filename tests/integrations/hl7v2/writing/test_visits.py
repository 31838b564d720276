"""A visit's state, whatever the order in which its events arrive. HL7 v2.8.2 chapter 3."""

from __future__ import annotations

from itertools import permutations

import pytest

from integrations.hl7v2.writing import visits

WARDS = {"one": {"reference": "Location/1"}, "two": {"reference": "Location/2"}}


def event(trigger: str, minute: int, ward: str = "", **members: str) -> visits.Event:
    at = f"2026-01-01T08:{minute:02}:00+01:00"
    draft = {"status": members.get("status", "")}
    if ward:
        draft["location"] = [{"location": WARDS[ward], "status": "active"}]
    draft["period"] = {n: members[n] for n in ("start", "end") if n in members}
    return visits.event_of(draft, trigger, [1, at, 0, f"{trigger}{minute}"], at)


def state(*events: visits.Event) -> dict[str, object]:
    found: list[dict[str, object]] = []
    for orders in permutations(events):
        told: list[visits.Event] = []
        for one in (*orders, *orders[:2]):
            told = visits.recorded(told, one)
        found.append(visits.state_of(told))
    assert all(one == found[0] for one in found)
    return found[0]


@pytest.mark.parametrize(
    ("triggers", "status"),
    [
        ("A05", "planned"),
        ("A14", "planned"),
        ("A01", "in-progress"),
        ("A04", "in-progress"),
        ("A05 A38", "cancelled"),
        ("A05 A01", "in-progress"),
        ("A01 A08", "in-progress"),
        ("A01 A03", "finished"),
        ("A01 A03 A08", "finished"),
        ("A01 A03 A13", "in-progress"),
        ("A01 A03 A13 A03", "finished"),
        ("A01 A11", "cancelled"),
        ("A05 A01 A11", "planned"),
        ("A01 A11 A01", "in-progress"),
        ("A11", "cancelled"),
        ("A13", "in-progress"),
        ("A01 A21", "onleave"),
        ("A01 A21 A22", "in-progress"),
        ("A01 A21 A52", "in-progress"),
        ("A14 A27", "cancelled"),
        ("A01 A23", "entered-in-error"),
        ("A08", "unknown"),
    ],
)
def test_states(triggers: str, status: str) -> None:
    events = [event(one, minute) for minute, one in enumerate(triggers.split())]
    assert state(*events)["status"] == status


def test_a_transfer_keeps_the_place_before() -> None:
    found = state(event("A01", 0, "one"), event("A02", 5, "two"), event("A08", 6, "two"))

    assert found["location"] == [
        {
            "location": WARDS["one"],
            "status": "completed",
            "period": {"start": "2026-01-01T08:00:00+01:00", "end": "2026-01-01T08:05:00+01:00"},
        },
        {
            "location": WARDS["two"],
            "status": "active",
            "period": {"start": "2026-01-01T08:05:00+01:00"},
        },
    ]


def test_a_cancelled_transfer_leaves_the_patient_where_they_were() -> None:
    found = state(event("A01", 0, "one"), event("A02", 5, "two"), event("A12", 6, "one"))

    assert [(one["location"], one["status"]) for one in found["location"]] == [  # type: ignore[attr-defined]
        (WARDS["one"], "active")
    ]


def test_a_discharge_ends_the_visit_and_the_stay() -> None:
    end = "2026-01-01T08:09:30+01:00"
    found = state(
        event("A01", 0, "one", start="2026-01-01T07:50:00+01:00"),
        event("A03", 10, "one", end=end),
        event("A08", 11),
    )

    assert found["period"] == {"start": "2026-01-01T07:50:00+01:00", "end": end}
    assert found["location"][0]["status"] == "completed"  # type: ignore[index]
    assert found["location"][0]["period"]["end"] == end  # type: ignore[index]


def test_a_reopened_visit_has_no_end() -> None:
    end = "2026-01-01T08:09:30+01:00"
    found = state(event("A01", 0, "one"), event("A03", 5, "one", end=end), event("A13", 6, "one"))

    assert "period" not in found
    assert found["location"][0]["status"] == "active"  # type: ignore[index]


def test_an_order_says_nothing_of_the_state() -> None:
    assert state(event("A01", 0), event("", 5, status="finished"))["status"] == "in-progress"
    assert state(event("", 5, status="in-progress"))["status"] == "in-progress"


def test_a_discharge_before_the_admission_time_leaves_the_begin() -> None:
    later = "2026-01-01T08:59:00+01:00"
    found = state(event("A01", 0, "one", start=later), event("A03", 5, "one"))

    assert found["status"] == "finished"
    assert found["period"] == {"start": later}
    assert found["location"][0]["period"] == {"start": later}  # type: ignore[index]
