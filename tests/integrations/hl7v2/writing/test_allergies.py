"""A60 lists all allergies of a patient; lists and single ones come in any order."""

from __future__ import annotations

import itertools
from dataclasses import replace

from integrations.hl7v2.message.header import HD
from tests.integrations.hl7v2.writing.feed import Feed
from tests.integrations.hl7v2.writing.telling import pid, told


def _list(*codes: str) -> list[str]:
    return [f"IAM|{n}|DA|{code}^{code}^L" for n, code in enumerate(codes, 1)]


async def _active(feed: Feed) -> set[str]:
    return {
        one["code"]["coding"][0]["code"]
        for one in await feed.all("AllergyIntolerance")
        if one["clinicalStatus"]["coding"][0]["code"] == "active"
    }


async def test_the_latest_list_stands_in_every_order(feed: Feed) -> None:
    messages = [
        told("ADT^A60", 1, pid("1"), *_list("A", "B")),
        told("ADT^A31", 2, pid("1"), "AL1|1|DA|D^d^L"),
        told("ADT^A60", 3, pid("1"), *_list("B", "C")),
        told("ADT^A31", 4, pid("1"), "AL1|1||E^e^L"),
    ]
    for order in itertools.islice(itertools.permutations(messages), 0, 24, 3):
        await feed.wipe()
        for one in order:
            await feed.send(one)
        assert await _active(feed) == {"B", "C", "E"}


async def test_a_late_older_message_does_not_bring_back_what_is_over(feed: Feed) -> None:
    await feed.send(told("ADT^A60", 3, pid("1"), *_list("B")))
    await feed.send(told("ADT^A01", 1, pid("1"), "AL1|1|DA|A^a^L"))
    assert await _active(feed) == {"B"}


async def test_an_allergy_of_a_list_that_was_known_long_before_is_active(feed: Feed) -> None:
    """IAM-20 tells when its status was told: long before an earlier list that lacks it."""
    old = "IAM|2|DA|B^b^L" + "|" * 16 + "20100101"
    earlier = told("ADT^A60", 1, pid("1"), *_list("A"))
    later = told("ADT^A60", 3, pid("1"), *_list("A"), old)
    for order in ((earlier, later), (later, earlier)):
        await feed.wipe()
        for one in order:
            await feed.send(one)
        assert await _active(feed) == {"A", "B"}


async def test_what_another_system_told_stays(feed: Feed) -> None:
    other = told("ADT^A31", 1, pid("1"), "AL1|1|DA|X^x^L")
    header = replace(other.header, sending_application=HD("CLINIC"))
    await feed.send(replace(other, header=header))
    await feed.send(told("ADT^A60", 3, pid("1"), *_list("B")))
    assert await _active(feed) == {"B", "X"}
