"""Accounts and visits that become one, move or get another number."""

from __future__ import annotations

import random

import pytest

from tests.integrations.hl7v2.writing.feed import Feed
from tests.integrations.hl7v2.writing.telling import by_number, mrg, pid, pv1, told, value

_OBX = ("OBR|1|P|F|X^x^L", "OBX|1|NM|A^a^L||1||||||F")


@pytest.mark.parametrize("seed", range(4))
async def test_two_visits_become_one(feed: Feed, seed: int) -> None:
    """A42, in whose structure MRG stands before the PV1 of the visit that stays."""
    messages = [
        told("ADT^A01", 1, pid("1"), pv1("V1")), told("ADT^A01", 2, pid("1"), pv1("V2", "W2")),
        told("ORU^R01", 3, pid("1"), pv1("V1"), *_OBX),
        told("ADT^A42", 4, pid("1"), mrg("1", visit="V1"), pv1("V2", "W2")),
        told("ADT^A08", 5, pid("1"), pv1("V1")),
    ]  # fmt: skip
    random.Random(seed).shuffle(messages)
    for one in messages:
        await feed.send(one)

    visits = await by_number(feed, "Encounter")
    assert visits["V1"]["status"] == "entered-in-error"
    assert visits["V2"]["status"] == "in-progress"
    (result,) = await feed.all("Observation")
    assert result["encounter"]["reference"] == f"Encounter/{visits['V2']['id']}"


@pytest.mark.parametrize("seed", range(4))
async def test_two_accounts_become_one(feed: Feed, seed: int) -> None:
    """A41: what was for the one is for the other."""
    messages = [
        told("ADT^A01", 1, pid("1", account="A1"), pv1("V1")),
        told("ADT^A04", 2, pid("1", account="A2")),
        told("ADT^A41", 3, pid("1", account="A2"), mrg("1", "A1")),
        told("DFT^P03", 4, pid("1", account="A1"), "FT1|1|T9||20240101||CG|C^c^L"),
    ]
    random.Random(seed).shuffle(messages)
    for one in messages:
        await feed.send(one)

    accounts = await by_number(feed, "Account")
    stays = f"Account/{accounts['A2']['id']}"
    assert accounts["A1"]["status"] == "inactive"
    assert accounts["A1"]["partOf"]["reference"] == stays
    assert (await feed.only("Encounter"))["account"] == [{"reference": stays}]
    assert (await feed.only("ChargeItem"))["account"] == [{"reference": stays}]


async def test_an_account_moves_with_its_visit_and_what_was_found(feed: Feed) -> None:
    """A44, and A45 for the visit: results of the visit are those of the other patient then."""
    await feed.send(told("ADT^A01", 1, pid("1", account="A1"), pv1("V1")))
    await feed.send(told("ORU^R01", 2, pid("1"), pv1("V1"), *_OBX))
    await feed.send(told("ADT^A28", 3, pid("2", "ROE^ANN", "A2")))
    await feed.send(told("ADT^A45", 4, pid("2", "ROE^ANN", "A2"), mrg("1", "A1", "V1"), pv1("V1")))
    await feed.send(told("ADT^A44", 5, pid("2", "ROE^ANN", "A1"), mrg("1", "A1")))

    people = await by_number(feed, "Patient")
    to = {"reference": f"Patient/{people['2']['id']}"}
    encounter = await feed.only("Encounter")
    assert encounter["subject"] == to
    assert encounter["class"]["code"] == "IMP"
    assert encounter["status"] == "in-progress"
    account = (await by_number(feed, "Account"))["A1"]
    assert account["subject"] == [to]
    assert account["status"] == "active"


@pytest.mark.parametrize(
    ("event", "former", "now"),
    [
        ("ADT^A47", mrg("1"), pid("2")),
        ("ADT^A49", mrg("1", "A1"), pid("1", account="A2")),
    ],
)
async def test_a_changed_number_of_two_known_records_joins_them(
    feed: Feed, event: str, former: str, now: str
) -> None:
    """The change comes after both numbers were used apart: one record is left to work with."""
    await feed.send(told("ADT^A01", 1, pid("1", account="A1"), pv1("V1")))
    await feed.send(told("ADT^A31", 3, now, pv1("V1")))
    applied = await feed.send(told(event, 2, now, former))
    await feed.send(told("ORU^R01", 4, pid("1", account="A1"), *_OBX))

    assert not any("different resources" in one for one in applied.notes)
    active = [one for one in await feed.all("Patient") if one.get("active", True)]
    assert len(active) == 1
    (result,) = await feed.all("Observation")
    assert result["subject"]["reference"] == f"Patient/{active[0]['id']}"
    accounts = await feed.all("Account")
    assert len([one for one in accounts if one["status"] == "active"]) == 1


async def test_a_changed_number_against_a_later_merge(feed: Feed) -> None:
    """1 became 2 by A47, and 2 was merged into 3: what comes for 1 late is of 3."""
    messages = [
        told("ADT^A28", 1, pid("1")), told("ADT^A47", 2, pid("2"), mrg("1")),
        told("ADT^A31", 3, pid("2", "DOE^JANET")), told("ADT^A28", 4, pid("3", "ROE^ANN")),
        told("ADT^A40", 5, pid("3", "ROE^ANN"), mrg("2")), told("ORU^R01", 6, pid("1"), *_OBX),
    ]  # fmt: skip
    for seed in range(5):
        await feed.wipe()
        random.Random(seed).shuffle(messages)
        for one in messages:
            await feed.send(one)
        (left,) = [one for one in await feed.all("Patient") if one.get("active", True)]
        assert value(left) == "3"
        (result,) = await feed.all("Observation")
        assert result["subject"]["reference"] == f"Patient/{left['id']}"


async def test_a_changed_visit_number(feed: Feed) -> None:
    await feed.send(told("ADT^A01", 1, pid("1"), pv1("V1")))
    await feed.send(told("ADT^A50", 2, pid("1"), mrg("1", visit="V1"), pv1("V2")))
    await feed.send(told("ORU^R01", 3, pid("1"), pv1("V1"), *_OBX))

    encounter = await feed.only("Encounter")
    assert {one["value"] for one in encounter["identifier"]} == {"V1", "V2"}
    (result,) = await feed.all("Observation")
    assert result["encounter"]["reference"] == f"Encounter/{encounter['id']}"
