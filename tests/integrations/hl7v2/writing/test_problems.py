"""Problems, allergies and accounts that end, are deleted, and are there again."""

from __future__ import annotations

import itertools

import pytest

from integrations.hl7v2.mapping.conversion import Conversion
from tests.integrations.hl7v2.writing.feed import Feed
from tests.integrations.hl7v2.writing.telling import pid, told


def _problem(event: str, hour: int, action: str, ended: str = "") -> Conversion:
    prb = f"PRB|{action}|20240101{hour:02}00+0000|K80^Stones^I10|53^X|||||{ended}"
    return told(f"PPR^{event}", hour, pid("1"), prb)


@pytest.mark.parametrize("action", ["DE", "AD"])
async def test_a_deleted_problem_is_an_error_and_has_no_status(feed: Feed, action: str) -> None:
    messages = (_problem("PC1", 1, "AD"), _problem("PC3", 2, action))
    for order in itertools.permutations(messages):
        await feed.wipe()
        for one in order:
            await feed.send(one)
        problem = await feed.only("Condition")
        assert problem["verificationStatus"]["coding"][0]["code"] == "entered-in-error"
        assert "clinicalStatus" not in problem


async def test_a_deleted_problem_that_has_ended_is_an_error_without_an_end(feed: Feed) -> None:
    messages = (_problem("PC2", 1, "UP", "20240101"), _problem("PC3", 2, "DE", "20240101"))
    for order in (messages[1:], *itertools.permutations(messages)):
        await feed.wipe()
        for one in order:
            await feed.send(one)
        problem = await feed.only("Condition")
        assert problem["verificationStatus"]["coding"][0]["code"] == "entered-in-error"
        assert "clinicalStatus" not in problem
        assert "abatementDateTime" not in problem


async def test_a_problem_that_is_back_has_no_end(feed: Feed) -> None:
    await feed.send(_problem("PC1", 1, "AD", "20240101"))
    assert "abatementDateTime" in await feed.only("Condition")
    await feed.send(_problem("PC2", 2, "UP"))
    problem = await feed.only("Condition")
    assert problem["clinicalStatus"]["coding"][0]["code"] == "active"
    assert "abatementDateTime" not in problem


async def test_an_allergy_taken_off_the_list_is_not_active(feed: Feed) -> None:
    await feed.send(told("ADT^A60", 1, pid("1"), "IAM|1|DA|PEN^Pen^L|||A|77^X"))
    await feed.send(told("ADT^A60", 2, pid("1"), "IAM|1|DA|PEN^Pen^L|||D|77^X"))
    allergy = await feed.only("AllergyIntolerance")
    assert allergy["clinicalStatus"]["coding"][0]["code"] == "inactive"


@pytest.mark.parametrize("event", ["BAR^P02", "BAR^P06"])
async def test_an_account_is_closed(feed: Feed, event: str) -> None:
    await feed.send(told("BAR^P01", 1, pid("1", account="A1")))
    await feed.send(told(event, 2, pid("1", account="A1")))
    assert (await feed.only("Account"))["status"] == "inactive"
