"""A day of a hospital in any order, some of it twice, ends in one state."""

from __future__ import annotations

import random
from typing import Any

import pytest

from integrations.hl7v2.mapping.actions import Cancel, Cancelled, Merge, Replace
from integrations.hl7v2.mapping.draft import Draft, Policy
from tests.integrations.hl7v2.writing.feed import (
    Feed,
    at,
    conversion,
    patient,
    result,
    visit,
    ward,
)

NAME = [{"family": "Kim", "given": ["Ana"]}]
PHONE = [{"system": "phone", "value": "555-0100"}]


def document(name: str, status: str, moment: int) -> Draft:
    return Draft(
        f"DocumentReference[{name}]",
        {
            "resourceType": "DocumentReference",
            "status": "current",
            "docStatus": status,
            "subject": {"reference": "draft:Patient"},
            "content": [{"attachment": {"title": f"{name} {status}"}}],
        },
        (("urn:document", name),),
        Policy.DOCUMENT,
        at(moment),
    )


def appointment(status: str, moment: int) -> Draft:
    return Draft(
        "Appointment",
        {
            "resourceType": "Appointment",
            "status": status,
            "description": f"told at {moment}",
            "start": at(moment + 60),
            "end": at(moment + 75),
            "participant": [{"actor": {"reference": "draft:Patient"}, "status": "accepted"}],
        },
        (("urn:appointment", "1"),),
        Policy.APPOINTMENT,
        at(moment),
    )


def day() -> list[Any]:
    thin = {"name": [{"family": "KIM"}], "gender": "unknown"}
    return [
        conversion("ADT^A01", patient("1", name=NAME, gender="female"), visit(ward="A"), ward("A")),
        conversion("ADT^A02", patient("1", moment=5), visit(ward="B", moment=5), ward("B")),
        conversion("ADT^A08", patient("1", moment=6, telecom=PHONE, birthDate="1980-01-01")),
        conversion("ADT^A08", patient("1", moment=7, birthDate="1980-01-02", cleared=("gender",))),
        conversion("ADT^A03", patient("1", moment=30), visit(moment=30)),
        conversion("ADT^A13", patient("1", moment=31), visit(moment=31)),
        conversion("ORU^R01", patient("1", moment=9, **thin), result("3", "preliminary", moment=9)),
        conversion("ORU^R01", patient("2", moment=11, **thin), result("7", "final", moment=11)),
        conversion("ADT^A28", patient("2", moment=2, telecom=PHONE), sender="REG"),
        conversion(
            "ADT^A40",
            patient("1", moment=20),
            patient("2", moment=20, key="Patient[2]"),
            actions=(Merge("Patient", "Patient[2]"),),
        ),
        conversion("ADT^A08", patient("2", moment=25, active=True), visit("V2", moment=25)),
        conversion("SIU^S12", patient("1", moment=3), appointment("booked", 3)),
        conversion(
            "SIU^S15",
            patient("1", moment=8),
            appointment("booked", 8),
            actions=(Cancel("Appointment", Cancelled.APPOINTMENT),),
        ),
        conversion("MDM^T02", patient("1", moment=3), document("D1", "preliminary", 3)),
        conversion("MDM^T08", patient("1", moment=4), document("D1", "final", 4)),
        conversion(
            "MDM^T10",
            patient("1", moment=12),
            document("D2", "amended", 12),
            document("D1", "final", 12),
            actions=(Replace("DocumentReference[D2]", "DocumentReference[D1]", "replaces"),),
        ),
    ]


async def play(feed: Feed, order: list[int]) -> dict[str, dict[str, Any]]:
    await feed.wipe()
    messages = day()
    for number in order:
        await feed.send(messages[number], f"of the day {number}")
    await feed.importing.finish_moves()
    return await feed.state()


@pytest.mark.parametrize("seed", range(6))
async def test_any_order_and_twice(feed: Feed, seed: int) -> None:
    chance = random.Random(seed)
    straight = await play(feed, list(range(len(day()))))
    order = [*range(len(day())), *chance.sample(range(len(day())), 5)]
    chance.shuffle(order)
    shuffled = await play(feed, order)

    assert straight.keys() == shuffled.keys()
    for reference, resource in straight.items():
        assert resource == shuffled[reference], (reference, order)
