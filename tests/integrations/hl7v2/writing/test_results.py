"""Which version of a result stands."""

from __future__ import annotations

from itertools import permutations
from typing import Any

from integrations.hl7v2.mapping.draft import Draft, Policy
from tests.integrations.hl7v2.writing.feed import Feed, at, conversion, patient, result

HIGH = {"interpretation": [{"text": "H"}]}


def oru(*drafts: Draft) -> Any:
    return conversion("ORU^R01", patient("1"), *drafts, sender="LAB")


def report(status: str, moment: int, *codes: str) -> Draft:
    return Draft(
        "DiagnosticReport[1]",
        {
            "resourceType": "DiagnosticReport",
            "status": status,
            "code": {"text": "Panel"},
            "subject": {"reference": "draft:Patient"},
            "result": [{"reference": f"draft:Observation[{one}]"} for one in codes],
        },
        (("urn:order", "F1"),),
        Policy.RESULT,
        at(moment),
    )


async def test_the_preliminary_never_replaces_the_final(feed: Feed) -> None:
    await feed.send(oru(result("4.1", "final", moment=5)))
    await feed.send(oru(result("3.9", "preliminary", moment=9)))

    stored = await feed.only("Observation")
    assert stored["status"] == "final"
    assert str(stored["valueQuantity"]["value"]) == "4.1"


async def test_a_correction_takes_the_interpretation_with_it(feed: Feed) -> None:
    await feed.send(oru(result("6.8", "final", moment=5, **HIGH)))
    await feed.send(oru(result("4.10", "corrected", moment=9)))

    stored = await feed.only("Observation")
    assert stored["status"] == "corrected"
    assert str(stored["valueQuantity"]["value"]) == "4.10"
    assert "interpretation" not in stored


async def test_every_order_of_arrival_ends_alike(feed: Feed) -> None:
    told = [
        oru(result("1", "preliminary", moment=1, **HIGH), report("partial", 1, "2823-3")),
        oru(result("2", "final", moment=2), report("final", 2, "2823-3")),
        oru(result("5", "final", moment=2, code="2951-2"), report("final", 3, "2951-2")),
        oru(result("3", "corrected", moment=4, **HIGH)),
    ]
    ends = []
    for order in list(permutations(range(4)))[::5]:
        await feed.wipe()
        for number in (*order, order[0]):
            await feed.send(told[number], f"result {number}")
        ends.append(await feed.state())

    assert all(one == ends[0] for one in ends)
    (panel,) = [one for one in ends[0].values() if one["resourceType"] == "DiagnosticReport"]
    assert len(panel["result"]) == 2


async def test_what_a_clinician_adds_stays(feed: Feed) -> None:
    await feed.send(oru(result("4.1", "final", moment=5)))
    stored = await feed.only("Observation")
    note = [{"text": "Discussed with the patient."}]
    await feed.fhir.server.store.transact(lambda unit: unit.update({**stored, "note": note}))

    await feed.send(oru(result("4.2", "corrected", moment=9)))
    assert (await feed.only("Observation"))["note"] == note


async def test_a_cancelled_result_stays_cancelled_for_the_preliminary(feed: Feed) -> None:
    await feed.send(oru(result("4.1", "preliminary", moment=5)))
    await feed.send(oru(result("4.1", "cancelled", moment=6)))
    await feed.send(oru(result("4.1", "preliminary", moment=7)))

    assert (await feed.only("Observation"))["status"] == "cancelled"
