"""Merging patients: links, references, and that nothing undoes it."""

from __future__ import annotations

from fhir_server.resource import Resource
from fhir_server.store import UnitOfWork
from integrations.hl7v2.mapping.actions import Merge, Move
from integrations.hl7v2.mapping.conversion import Conversion
from tests.integrations.hl7v2.writing.feed import Feed, conversion, patient, result, visit


def a40(survivor: str, retired: str, moment: int = 10) -> Conversion:
    return conversion(
        "ADT^A40",
        patient(survivor, moment=moment),
        patient(retired, moment=moment, key="Patient[2]"),
        actions=(Merge("Patient", "Patient[2]"),),
    )


async def people(feed: Feed) -> tuple[Resource, Resource]:
    found = {one["identifier"][0]["value"]: one for one in await feed.all("Patient")}
    return found["1"], found["2"]


async def test_the_retired_record_says_who_replaced_it(feed: Feed) -> None:
    await feed.send(conversion("ADT^A01", patient("1"), visit("V1")))
    await feed.send(conversion("ADT^A01", patient("2"), visit("V2")))
    await feed.send(conversion("ORU^R01", patient("2"), result("4.1"), sender="LAB"))
    await feed.send(a40("1", "2"))

    survivor, retired = await people(feed)
    assert retired["active"] is False
    own, gone = f"Patient/{survivor['id']}", f"Patient/{retired['id']}"
    assert retired["link"] == [{"other": {"reference": own}, "type": "replaced-by"}]
    assert survivor["link"] == [{"other": {"reference": gone}, "type": "replaces"}]
    assert {one["subject"]["reference"] for one in await feed.all("Encounter")} == {own}
    assert (await feed.only("Observation"))["subject"]["reference"] == own


async def test_a_later_update_cannot_undo_it(feed: Feed) -> None:
    await feed.send(conversion("ADT^A01", patient("1")))
    await feed.send(conversion("ADT^A01", patient("2")))
    await feed.send(a40("1", "2"))
    late = conversion("ADT^A08", patient("2", moment=20, active=True), visit("V2", moment=20))
    await feed.send(late)

    survivor, retired = await people(feed)
    assert retired["active"] is False
    assert retired["link"][0]["type"] == "replaced-by"
    (encounter,) = await feed.all("Encounter")
    assert encounter["subject"]["reference"] == f"Patient/{survivor['id']}"


async def test_what_was_written_over_fhir_follows_too(feed: Feed) -> None:
    await feed.send(conversion("ADT^A01", patient("1")))
    applied = await feed.send(conversion("ADT^A01", patient("2")))
    gone = applied.written[0].reference
    condition = {
        "resourceType": "Condition",
        "subject": {"reference": gone},
        "code": {"text": "Asthma"},
    }
    group = {
        "resourceType": "Group",
        "type": "person",
        "actual": True,
        "member": [{"entity": {"reference": gone}}],
    }

    await feed.fhir.server.store.transact(lambda unit: unit.create(condition))
    await feed.fhir.server.store.transact(lambda unit: unit.create(group))
    await feed.send(a40("1", "2"))

    survivor, _ = await people(feed)
    own = f"Patient/{survivor['id']}"
    assert (await feed.only("Condition"))["subject"]["reference"] == own
    assert (await feed.only("Group"))["member"][0]["entity"]["reference"] == own
    assert (await feed.only("Condition"))["meta"]["versionId"] == "2"


async def test_a_large_merge_goes_on_after_the_message(feed: Feed) -> None:
    await feed.send(conversion("ADT^A01", patient("1")))
    applied = await feed.send(conversion("ADT^A01", patient("2")))
    gone = applied.written[0].reference
    many = [
        {
            "resourceType": "Flag",
            "status": "active",
            "code": {"text": f"{n}"},
            "subject": {"reference": gone},
        }
        for n in range(130)
    ]

    async def body(unit: UnitOfWork) -> None:
        async with unit.grouped():
            for one in many:
                await unit.create(one)

    await feed.fhir.server.store.transact(body)
    applied = await feed.send(a40("1", "2"))
    assert applied.pending == (gone,)
    assert await feed.importing.finish_moves() == 30
    assert await feed.importing.finish_moves() == 0

    survivor, _ = await people(feed)
    flags = await feed.all("Flag")
    assert {one["subject"]["reference"] for one in flags} == {f"Patient/{survivor['id']}"}


async def test_a_merge_that_would_go_in_a_circle_is_refused(feed: Feed) -> None:
    await feed.send(a40("1", "2"))
    applied = await feed.send(a40("2", "1", moment=20))

    assert "cannot be merged" in applied.notes[0]
    survivor, retired = await people(feed)
    assert survivor.get("active", True) is True
    assert retired["active"] is False


async def test_a_visit_moves_to_another_patient(feed: Feed) -> None:
    await feed.send(conversion("ADT^A01", patient("2"), visit("V2")))
    await feed.send(
        conversion(
            "ADT^A45",
            patient("1", moment=5),
            patient("2", moment=5, key="Patient[2]"),
            visit("V2", moment=5),
            actions=(Move("Encounter", "Patient[2]", "Patient"),),
        )
    )

    survivor, other = await people(feed)
    assert (await feed.only("Encounter"))["subject"]["reference"] == f"Patient/{survivor['id']}"
    assert "link" not in other


async def test_records_that_belong_together_are_linked_and_unlinked(feed: Feed) -> None:
    pair = (patient("1", moment=1), patient("2", moment=1, key="Patient[2]"))
    later = (patient("1", moment=3), patient("2", moment=3, key="Patient[2]"))
    await feed.send(conversion("ADT^A24", *pair))
    one, other = await people(feed)
    assert one["link"][0]["other"]["reference"] == f"Patient/{other['id']}"
    assert other["link"][0]["type"] == "seealso"

    await feed.send(conversion("ADT^A08", patient("1", moment=2), visit("V1", moment=2)))
    assert "link" in (await people(feed))[0]

    await feed.send(conversion("ADT^A37", *later))
    one, other = await people(feed)
    assert "link" not in one
    assert "link" not in other
