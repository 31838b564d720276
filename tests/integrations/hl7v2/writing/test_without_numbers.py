"""What messages name without a number, or for whom nobody says who gave it."""

from __future__ import annotations

from typing import Any

from tests.integrations.hl7v2.conversions import converted, resources
from tests.integrations.hl7v2.writing.feed import Feed
from tests.integrations.hl7v2.writing.telling import pid, told


async def _count(feed: Feed, *types: str) -> dict[str, int]:
    return {type: len(await feed.all(type)) for type in types}


async def test_an_order_told_again_makes_no_more_of_its_people(feed: Feed) -> None:
    """A role has no number of its own; its order would change with every message."""
    order = ("ORC|NW|9||||||||||D1^Hess^Verena||0791112233", "OBR|1|9||A^a^L")
    await feed.send(told("ORM^O01", 1, pid("1"), *order))
    before = await feed.only("ServiceRequest")
    await feed.send(told("ORM^O01", 2, pid("1"), *order))

    assert await feed.only("ServiceRequest") == before
    assert await _count(feed, "PractitionerRole", "Practitioner") == {
        "PractitionerRole": 1,
        "Practitioner": 1,
    }


async def test_an_insurer_is_one_organization(feed: Feed) -> None:
    cover = "IN1|1|PL|C1^^^X|Aetna|1 St^^City||5551234|G1|||||||||||||||||||||||||||||POL1"
    for hour in (1, 2):
        await feed.send(told("ADT^A08", hour, pid("1"), cover))

    coverage = await feed.only("Coverage")
    (payor,) = coverage["payor"]
    held = {one["id"]: one for one in await feed.all("Organization")}
    insurer = held[payor["reference"].partition("/")[2]]
    assert insurer["name"] == "Aetna"
    assert insurer["identifier"][0]["value"] == "C1"
    assert insurer["address"][0]["city"] == "City"
    assert len([one for one in held.values() if one.get("name") == "Aetna"]) == 1


async def test_a_sender_without_a_facility_is_known_by_its_application(feed: Feed) -> None:
    def message(hour: int) -> Any:
        moment = f"20240101{hour:02}0000+0000"
        head = f"MSH|^~\\&|MONITOR|||EHR|{moment}||ADT^A08|{hour}|P|2.3"
        return converted(head, "PID|||4711||DOE^JANE||19800101|F")

    for hour in (1, 2):
        applied = await feed.send(message(hour))
        assert applied.notes == ()
    (patient,) = await feed.all("Patient")
    assert patient["identifier"][0]["system"] == "urn:aimed:hl7v2:facility:MONITOR"


async def test_a_visit_without_a_number_goes_on_and_ends(feed: Feed) -> None:
    await feed.send(told("ADT^A01", 1, pid("1"), "PV1|1|I|W1"))
    await feed.send(told("ADT^A08", 2, pid("1"), "PV1|1|I|W2"))
    await feed.send(told("ADT^A03", 3, pid("1"), "PV1|1|I|W2"))
    assert (await feed.only("Encounter"))["status"] == "finished"


async def test_weights_without_a_time_are_those_of_the_visit(feed: Feed) -> None:
    for hour, weight in ((1, 70), (2, 71)):
        obx = f"OBX|1|NM|WT^Weight^L||{weight}|kg|||||F"
        await feed.send(told("ADT^A08", hour, pid("1"), f"PV1|1|I|W1{'|' * 16}V1^^^HOSP", obx))
    assert (await feed.only("Observation"))["valueQuantity"]["value"] == 71


def test_no_visit_is_no_encounter() -> None:
    """PV1-2 N, which messages about a person alone must send."""
    conversion = converted(pid("1"), "PV1||N", msh="ADT^A31")
    assert resources(conversion, "Encounter") == []
    (told_of,) = (s for s in conversion.report.segments if s.id == "PV1")
    assert [one.reason for one in told_of.fields] == ["N: there is no visit"]
