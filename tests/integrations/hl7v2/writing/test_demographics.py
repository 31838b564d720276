"""Whose word counts about a patient, and what stays of what others wrote."""

from __future__ import annotations

from typing import Any

from fhir_server.auth.caller import SYSTEM
from integrations.hl7v2.mapping.conversion import Conversion
from integrations.hl7v2.mapping.draft import Draft
from tests.integrations.hl7v2.writing.feed import MRN, Feed, conversion, patient, result

NAME = [{"family": "Kim", "given": ["Ana"]}]
FULL = {"name": NAME, "birthDate": "1980-02-03", "gender": "female"}
PHONE = [{"system": "phone", "value": "555-0100"}]
MAIDEN = "http://hl7.org/fhir/StructureDefinition/patient-mothersMaidenName"
DISABILITY = "http://hl7.org/fhir/StructureDefinition/patient-disability"


def adt(draft: Draft, event: str = "A08", sender: str = "HIS") -> Conversion:
    return conversion(f"ADT^{event}", draft, sender=sender)


async def test_an_update_leaves_alone_what_it_does_not_speak_of(feed: Feed) -> None:
    await feed.send(adt(patient("1", telecom=PHONE, **FULL), "A01"))
    await feed.send(adt(patient("1", moment=5, birthDate="1980-02-04")))

    stored = await feed.only("Patient")
    assert stored["birthDate"] == "1980-02-04"
    assert stored["name"] == NAME
    assert stored["telecom"] == PHONE


async def test_an_older_update_that_arrives_late_changes_nothing(feed: Feed) -> None:
    await feed.send(adt(patient("1", moment=9, **FULL)))
    applied = await feed.send(adt(patient("1", moment=3, birthDate="1979-01-01")))

    assert (await feed.only("Patient"))["birthDate"] == "1980-02-03"
    assert not applied.changed("Patient")


async def test_a_repetition_makes_no_version(feed: Feed) -> None:
    said = adt(patient("1", **FULL))
    await feed.send(said, "one")
    await feed.send(said, "one")
    await feed.send(adt(patient("1", moment=7, **FULL)), "two")

    assert (await feed.only("Patient"))["meta"]["versionId"] == "1"
    assert len(await feed.all("Provenance")) == 2


async def test_a_laboratory_fills_in_and_never_overwrites(feed: Feed) -> None:
    thin = patient("1", moment=20, name=[{"family": "KIM^A"}], telecom=PHONE)
    await feed.send(adt(patient("1", **FULL), "A01"))
    await feed.send(conversion("ORU^R01", thin, result("4.1"), sender="LAB"))

    stored = await feed.only("Patient")
    assert stored["name"] == NAME
    assert stored["telecom"] == PHONE
    assert stored["birthDate"] == "1980-02-03"


async def test_a_laboratory_before_the_admission_gives_way_to_it(feed: Feed) -> None:
    thin = patient("1", moment=20, name=[{"family": "KIM"}], gender="unknown")
    await feed.send(conversion("ORU^R01", thin, result("4.1"), sender="LAB"))
    await feed.send(adt(patient("1", **FULL), "A01"))

    stored = await feed.only("Patient")
    assert stored["name"] == NAME
    assert stored["gender"] == "female"


async def test_the_null_value_deletes(feed: Feed) -> None:
    await feed.send(adt(patient("1", telecom=PHONE, **FULL), "A01"))
    await feed.send(adt(patient("1", moment=5, cleared=("telecom", "gender"))))
    await feed.send(adt(patient("1", moment=3, telecom=PHONE, gender="male")))

    stored = await feed.only("Patient")
    assert "telecom" not in stored
    assert "gender" not in stored
    assert stored["birthDate"] == "1980-02-03"


async def test_entries_of_others_stay_in_a_list(feed: Feed) -> None:
    await feed.send(adt(patient("1", telecom=PHONE, **FULL), "A01"))
    stored = await feed.only("Patient")
    own = {"system": "email", "value": "ana@example.org"}
    stored["telecom"].append(own)
    await feed.fhir.server.store.transact(lambda unit: unit.update(stored))

    mobile = [{"system": "phone", "value": "555-0199"}]
    registry = [{"system": "fax", "value": "555-0142"}]
    await feed.send(adt(patient("1", moment=5, telecom=mobile)))
    await feed.send(adt(patient("1", moment=6, telecom=registry), sender="REG"))

    telecom = (await feed.only("Patient"))["telecom"]
    assert own in telecom
    assert PHONE[0] not in telecom
    assert mobile[0] in telecom
    assert registry[0] in telecom


async def test_a_sender_that_repeats_itself_does_not_undo_a_correction(feed: Feed) -> None:
    await feed.send(adt(patient("1", **FULL), "A01"))
    stored = await feed.only("Patient")
    await feed.fhir.server.store.transact(
        lambda unit: unit.update({**stored, "birthDate": "1981-02-03"})
    )

    await feed.send(adt(patient("1", moment=5, **FULL)))
    assert (await feed.only("Patient"))["birthDate"] == "1981-02-03"

    await feed.send(adt(patient("1", moment=6, birthDate="1982-02-03")))
    assert (await feed.only("Patient"))["birthDate"] == "1982-02-03"


async def test_choices_are_one_element(feed: Feed) -> None:
    await feed.send(adt(patient("1", deceasedBoolean=False)))
    await feed.send(adt(patient("1", moment=4, deceasedDateTime="2026-01-01")))

    stored = await feed.only("Patient")
    assert "deceasedBoolean" not in stored
    assert stored["deceasedDateTime"] == "2026-01-01"


async def test_any_identifier_finds_the_patient(feed: Feed) -> None:
    await feed.send(adt(patient("1", "2", **FULL), "A01"))
    await feed.send(adt(patient("2", moment=4, birthDate="1980-02-09")))
    await feed.send(adt(patient("3", "2", moment=5, gender="other")))
    await feed.send(adt(patient("3", moment=6, name=[{"family": "Kim-Lee"}])))

    stored = await feed.only("Patient")
    assert stored["birthDate"] == "1980-02-09"
    assert stored["gender"] == "other"
    assert stored["name"] == [{"family": "Kim-Lee"}]
    assert [one["value"] for one in stored["identifier"]] == ["1", "2", "3"]


async def test_a_patient_created_over_fhir_is_found(feed: Feed) -> None:
    here = {
        "resourceType": "Patient",
        "identifier": [{"system": MRN, "value": "aB7"}],
        "telecom": PHONE,
    }
    created = await feed.fhir.server.store.transact(lambda unit: unit.create(here))
    await feed.send(adt(patient("AB7", **FULL), "A01"))
    await feed.send(adt(patient("AB7", moment=3, gender="male")))

    stored = await feed.only("Patient")
    assert stored["id"] == created.id
    assert stored["telecom"] == PHONE
    assert stored["gender"] == "male"


async def test_of_twenty_messages_at_once_one_creates(feed: Feed) -> None:
    said = [adt(patient("1", moment=n, birthDate=f"1980-01-{n + 1:02}")) for n in range(20)]
    await feed.together(*said)

    assert (await feed.only("Patient"))["birthDate"] == "1980-01-20"
    assert len(await feed.all("Provenance")) == 20


async def test_identifiers_of_two_patients_are_reported(feed: Feed) -> None:
    await feed.send(adt(patient("1")))
    await feed.send(adt(patient("2")))
    applied = await feed.send(adt(patient("1", "2", moment=3, gender="male")))

    assert "different resources" in applied.notes[0]
    assert len(await feed.all("Patient")) == 2


async def test_an_identifier_without_an_authority_is_not_used(feed: Feed) -> None:
    lone = Draft("Patient", {"resourceType": "Patient"}, (("", "7"),), patient("1").policy)
    first = await feed.send(conversion("ADT^A04", lone), "a")
    await feed.send(conversion("ADT^A04", lone), "b")

    assert "without an assigning authority" in first.notes[0]
    assert len(await feed.all("Patient")) == 2


async def test_every_message_leaves_its_provenance_and_an_audit_event(feed: Feed) -> None:
    applied = await feed.send(adt(patient("1", **FULL), "A01"))

    provenance, stored = await feed.only("Provenance"), await feed.only("Patient")
    assert provenance["target"] == [{"reference": f"Patient/{stored['id']}"}]
    assert provenance["agent"][0]["who"]["identifier"]["value"] == "HIS|CITY"
    assert stored["meta"]["source"].startswith("urn:aimed:hl7v2:message:")
    assert provenance["entity"][0]["what"]["identifier"]["value"] == stored["meta"]["source"]
    event = await feed.only("AuditEvent")
    assert event["type"]["display"] == "Import"
    assert {one["what"]["reference"] for one in event["entity"] if "what" in one} >= {
        one.reference for one in applied.written
    }
    assert SYSTEM.reference in str(event["agent"])


def told(*extensions: tuple[str, str], **members: Any) -> dict[str, Any]:
    made = [
        {"url": url, "valueString": value}
        if url == MAIDEN
        else {"url": url, "valueCodeableConcept": {"text": value}}
        for url, value in extensions
    ]
    return {"extension": made, **members}


async def test_of_extensions_that_stand_once_the_last_word_counts(feed: Feed) -> None:
    disabled, deaf = (DISABILITY, "blind"), (DISABILITY, "deaf")
    first = adt(patient("1", moment=1, **told((MAIDEN, "Alt"), disabled)))
    second = adt(patient("1", moment=2, **told((MAIDEN, "ALT"), deaf)), sender="OTHER")
    late = adt(patient("1", moment=0, **told((MAIDEN, "Old"))), sender="THIRD")
    for one in (second, first, late):
        await feed.send(one)
    stored = (await feed.only("Patient"))["extension"]
    assert stored == told(disabled, deaf, (MAIDEN, "ALT"))["extension"]


async def test_an_extension_that_stands_once_is_not_filled_over(feed: Feed) -> None:
    await feed.send(adt(patient("1", **told((MAIDEN, "Alt")))))
    thin = patient("1", moment=20, **told((MAIDEN, "ALT")))
    await feed.send(conversion("ORU^R01", thin, result("4.1"), sender="LAB"))
    assert (await feed.only("Patient"))["extension"] == told((MAIDEN, "Alt"))["extension"]
