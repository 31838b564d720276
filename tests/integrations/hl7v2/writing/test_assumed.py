"""What R4 demands and a message does not tell only fills what nobody has told."""

from __future__ import annotations

from tests.integrations.hl7v2.writing.feed import Feed
from tests.integrations.hl7v2.writing.telling import pid, pv1, told


async def test_what_a_message_leaves_out_does_not_replace_what_is_known(feed: Feed) -> None:
    """R4 demands a medication and a class of visit; a message without them has none to say."""
    await feed.send(told("ADT^A01", 1, pid("1"), pv1("V1")))
    await feed.send(told("RDE^O11", 2, pid("1"), "ORC|NW|9", "RXE||ASA^Aspirin^L|1||TAB"))
    await feed.send(told("ADT^A08", 3, pid("1"), pv1("V1").replace("|I|", "||")))
    await feed.send(told("RDE^O11", 4, pid("1"), "ORC|DC|9"))

    order = await feed.only("MedicationRequest")
    assert order["medicationCodeableConcept"]["coding"][0]["code"] == "ASA"
    assert order["status"] in ("stopped", "cancelled")
    assert (await feed.only("Encounter"))["class"]["code"] == "IMP"


async def test_what_was_assumed_gives_way_whenever_it_is_told(feed: Feed) -> None:
    await feed.send(told("RDE^O11", 4, pid("1"), "ORC|DC|9"))
    await feed.send(told("RDE^O11", 2, pid("1"), "ORC|NW|9", "RXE||ASA^Aspirin^L|1||TAB"))

    order = await feed.only("MedicationRequest")
    assert order["medicationCodeableConcept"]["coding"][0]["code"] == "ASA"
