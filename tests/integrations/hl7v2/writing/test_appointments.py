"""Appointments: what comes without times, who takes part, why it was cancelled."""

from __future__ import annotations

import itertools

import pytest

from tests.integrations.hl7v2.conversions import converted, first
from tests.integrations.hl7v2.writing.feed import Feed
from tests.integrations.hl7v2.writing.telling import pid, told

_TIMES = "SCH|A1^S|||||WELL^Visit|CHECK^Check up^L|NORMAL|30|MIN|^^30^20240410090000^20240410093000"
BOOKED = told("SIU^S12", 1, _TIMES + "|" * 14 + "Booked", pid("1"))


@pytest.mark.parametrize(
    ("event", "status"),
    [("SIU^S26", "noshow"), ("SIU^S17", "entered-in-error"), ("SIU^S15", "cancelled")],
)
async def test_what_ends_an_appointment_needs_no_times(feed: Feed, event: str, status: str) -> None:
    over = told(event, 2, "SCH|A1^S|||||X^Reason", pid("1"))
    for order in itertools.permutations((BOOKED, over)):
        await feed.wipe()
        for one in order:
            await feed.send(one)
        assert (await feed.only("Appointment"))["status"] == status


async def test_of_an_appointment_that_is_not_known_it_says_that_it_is_off(feed: Feed) -> None:
    await feed.send(told("SIU^S26", 2, "SCH|A1^S", pid("1")))
    assert (await feed.only("Appointment"))["status"] == "cancelled"


async def test_booked_again_it_is_not_cancelled_for_a_reason(feed: Feed) -> None:
    off = told("SIU^S15", 2, "SCH|A1^S|||||ILL^Patient is ill", pid("1"))
    again = told("SIU^S13", 3, _TIMES + "|" * 14 + "Booked", pid("1"))
    await feed.send(BOOKED)
    await feed.send(off)
    held = await feed.only("Appointment")
    assert held["cancelationReason"]["coding"][0]["code"] == "ILL"
    await feed.send(again)
    held = await feed.only("Appointment")
    assert held["status"] == "booked"
    assert "cancelationReason" not in held


@pytest.mark.parametrize(
    ("aig", "type"),
    [
        ("D1^Doe^Jo|DOCTOR^Doctor", "Practitioner"), ("D1^Doe^Jo^^^Dr.", "Practitioner"),
        ("US1^Ultrasound^L|EQ^Equipment", "Device"),
    ],
)  # fmt: skip
def test_a_general_resource_that_is_a_person(aig: str, type: str) -> None:
    conversion = converted(_TIMES, pid("1"), "RGS|1", f"AIG|1|A|{aig}", msh="SIU^S12")
    actors = [one["actor"].get("reference", "")
              for one in first(conversion, "Appointment")["participant"]]  # fmt: skip
    assert any(one.startswith(f"draft:{type}") for one in actors)
