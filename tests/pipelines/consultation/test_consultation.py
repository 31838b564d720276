"""A whole consultation: what is said becomes journal, facts, alerts, note, and signed FHIR."""

from __future__ import annotations

import base64
import io
import json

import pytest
import soundfile
import structlog

from fhir_server.clock import system_clock
from fhir_server.errors import InvalidParameter, InvalidResource, ResourceNotFound, VersionConflict
from fhir_server.validation.validator import validate
from pipelines.consultation.closing import NO_SPEECH, close
from pipelines.consultation.consultations import Consultations
from pipelines.consultation.microphone import Microphone
from pipelines.consultation.starting import Beginning
from pipelines.engines.errors import EngineRejected
from pipelines.note import RulesDrafter
from tests.pipelines.consultation.clinic import (
    CALLER,
    ONE,
    SECOND,
    TWO,
    Clinic,
    Line,
    eventually,
)

LINES = [
    Line(0, 0.2, 1.6, "What brings you in today?"),
    Line(1, 1.8, 3.6, "I have had a bad cough for three days."),
    Line(0, 4.0, 5.8, "Your blood pressure is 182 over 95."),
    Line(0, 6.0, 7.7, "I will prescribe amoxicillin 500 milligrams three times a day."),
]


async def speak(microphone: Microphone, seconds: int, channels: int) -> None:
    start = microphone.next_frame
    for number in range(start, start + seconds):
        await microphone.append(number, SECOND * channels)
    while microphone.durable < start + seconds:
        await microphone.wait_durable(microphone.durable)


async def heard(consultations: Consultations, encounter: str, count: int) -> None:
    async def enough() -> bool:
        return (await consultations.find(encounter)).segments >= count

    await eventually(enough)


async def finish(clinic: Clinic, consultations: Consultations, encounter: str) -> None:
    await consultations.stop(encounter)

    async def drained() -> bool:
        return (await consultations.find(encounter)).drained

    await eventually(drained)
    assert await close(encounter, store=clinic.store, drafter=RulesDrafter(), clock=system_clock)


async def test_from_start_to_signature(clinic: Clinic) -> None:
    clinic.script.lines = LINES
    consultations = clinic.process()
    encounter = await clinic.begin(consultations, TWO)
    await speak(await consultations.microphone(encounter, TWO), 9, 2)
    await heard(consultations, encounter, 4)

    async def noted() -> bool:
        return (await consultations.find(encounter)).note is not None

    await eventually(noted)
    live = await consultations.snapshot(encounter)
    assert live["status"] == "recording"
    assert [one["role"] for one in live["segments"]] == ["doctor", "patient", "doctor", "doctor"]
    assert any("AllergyIntolerance/a1" in alert["implicated"] for alert in live["alerts"])
    assert (await clinic.resources("Composition"))[0]["meta"]["security"][0]["code"] == "AIAST"

    await finish(clinic, consultations, encounter)
    signature = await consultations.sign(encounter, CALLER)
    assert (await consultations.snapshot(encounter))["status"] == "signed"

    note = (await clinic.resources("Composition"))[0]
    assert signature.note == f"Composition/{note['id']}"
    assert note["status"] == "final"
    assert "security" not in note["meta"]
    assert note["attester"][0]["party"]["reference"] == CALLER.reference
    assert note["encounter"]["reference"] == f"Encounter/{encounter}"
    proofs = await clinic.resources("Provenance")
    (proof,) = [one for one in proofs if one["activity"]["coding"][0]["code"] == "LA"]
    who = {agent["who"]["reference"].partition("/")[0] for agent in proof["agent"]}
    assert who == {"Device", "Practitioner"}
    vitals = [one for one in await clinic.resources("Observation") if "component" in one]
    assert [one["status"] for one in vitals] == ["final"]
    assert [part["valueQuantity"]["value"] for part in vitals[0]["component"]] == [182, 95]
    assert (await clinic.resources("Encounter"))[0]["status"] == "finished"
    assert len(await clinic.resources("Consent")) == 1


async def test_every_event_of_a_consultation_in_its_order(clinic: Clinic) -> None:
    clinic.script.lines = LINES
    consultations = clinic.process()
    encounter = await clinic.begin(consultations, TWO)
    await speak(await consultations.microphone(encounter, TWO), 9, 2)
    await heard(consultations, encounter, 4)
    await finish(clinic, consultations, encounter)
    await consultations.sign(encounter, CALLER)
    found = await clinic.events(encounter)
    types = [type for type, _ in found]
    assert types[:2] == ["session.started", "session.recording"]
    assert [t for t in types if t.startswith("session.")] == [
        "session.started",
        "session.recording",
        "session.stopping",
        "session.finished",
        "session.signed",
    ]
    assert types.count("transcript.final") == 4
    assert types.index("alert.raised") > types.index("transcript.final")
    finished = dict(found)["session.finished"]
    assert finished["speech"] is True
    assert finished["segments"] == 4
    assert finished["note"].startswith("Composition/")


async def test_transcript_and_audio_are_stored_whole(clinic: Clinic) -> None:
    clinic.script.lines = LINES
    consultations = clinic.process()
    encounter = await clinic.begin(consultations, TWO)
    await speak(await consultations.microphone(encounter, TWO), 9, 2)
    await finish(clinic, consultations, encounter)
    documents = await clinic.resources("DocumentReference")
    assert {one["docStatus"] for one in documents} == {"final"}
    attachments = {
        content["attachment"]["contentType"]: content["attachment"]
        for one in documents
        for content in one["content"]
    }
    assert set(attachments) == {"audio/flac", "application/json", "text/vtt"}
    documents_of = {
        content["attachment"]["url"]: f"DocumentReference/{one['id']}"
        for one in documents
        for content in one["content"]
    }
    contents = {}
    for type, attachment in attachments.items():
        stored = await clinic.store.read("Binary", attachment["url"].partition("/")[2])
        context = stored.resource()["securityContext"]
        assert context == {"reference": documents_of[attachment["url"]]}
        content = clinic.store.content(stored)
        contents[type] = b"".join([part async for part in content.read(0, content.length)])
        assert len(contents[type]) == attachment["size"]
    sound = soundfile.info(io.BytesIO(contents["audio/flac"]))
    assert (sound.frames, sound.channels, sound.samplerate) == (9 * 16000, 2, 16000)
    transcript = json.loads(contents["application/json"])
    assert [one["text"] for one in transcript["segments"]] == [line.text for line in LINES]
    assert b"<v patient>" in contents["text/vtt"]
    assert base64.b64decode(attachments["text/vtt"]["hash"])


async def test_everything_that_is_written_is_valid(clinic: Clinic) -> None:
    clinic.script.lines = LINES
    consultations = clinic.process()
    encounter = await clinic.begin(consultations, TWO)
    await speak(await consultations.microphone(encounter, TWO), 9, 2)
    await finish(clinic, consultations, encounter)
    await consultations.sign(encounter, CALLER)
    stored = (await clinic.store.history({}, count=500)).entries
    assert {"Encounter", "Composition", "DocumentReference", "Binary", "DetectedIssue"} <= {
        one.type for one in stored
    }
    for one in stored:
        if not one.deleted:
            faults = validate(await clinic.store.whole(one))
            assert faults == (), (one.type, faults)


async def test_closing_twice_changes_nothing(clinic: Clinic) -> None:
    clinic.script.lines = LINES
    consultations = clinic.process()
    encounter = await clinic.begin(consultations, TWO)
    await speak(await consultations.microphone(encounter, TWO), 9, 2)
    await finish(clinic, consultations, encounter)
    before = await clinic.store.history({"type": {"$ne": "AuditEvent"}}, count=500)
    assert not await close(
        encounter, store=clinic.store, drafter=RulesDrafter(), clock=system_clock
    )
    after = await clinic.store.history({"type": {"$ne": "AuditEvent"}}, count=500)
    assert after == before


@pytest.mark.parametrize("seconds", [0, 3])
async def test_without_speech_there_is_no_note(clinic: Clinic, seconds: int) -> None:
    consultations = clinic.process()
    encounter = await clinic.begin(consultations, ONE)
    if seconds:
        await speak(await consultations.microphone(encounter, ONE), seconds, 1)
    await finish(clinic, consultations, encounter)
    assert await clinic.resources("Composition") == []
    snapshot = await consultations.snapshot(encounter)
    assert (snapshot["status"], snapshot["message"]) == ("finished", NO_SPEECH)
    assert dict(await clinic.events(encounter))["session.finished"]["speech"] is False
    with pytest.raises(VersionConflict):
        await consultations.sign(encounter, CALLER)


async def test_a_second_process_goes_on_without_repeating_anything(clinic: Clinic) -> None:
    clinic.script.lines = LINES
    first = clinic.process()
    encounter = await clinic.begin(first, TWO)
    await speak(await first.microphone(encounter, TWO), 6, 2)
    await heard(first, encounter, 3)
    await first.aclose()

    second = clinic.process()
    await second.recover()
    microphone = await second.microphone(encounter, TWO)
    assert microphone.next_frame == 6
    await speak(microphone, 3, 2)
    await heard(second, encounter, 4)
    await finish(clinic, second, encounter)
    assert clinic.script.opened[-1] > 3
    snapshot = await second.snapshot(encounter)
    assert [one["text"] for one in snapshot["segments"]] == [line.text for line in LINES]
    keys = [alert["id"] for alert in snapshot["alerts"]]
    assert len(keys) == len(set(keys)) == len(await clinic.resources("DetectedIssue"))


async def test_stopping_is_finished_by_the_next_process(clinic: Clinic) -> None:
    clinic.script.lines = LINES
    first = clinic.process()
    encounter = await clinic.begin(first, TWO)
    await speak(await first.microphone(encounter, TWO), 9, 2)
    await first.stop(encounter)
    await first.aclose()
    second = clinic.process()
    await second.recover()

    async def drained() -> bool:
        return (await second.find(encounter)).drained

    await eventually(drained)
    assert (await second.find(encounter)).segments == 4


async def test_a_breaking_engine_is_started_again_and_nothing_is_lost(clinic: Clinic) -> None:
    clinic.script.lines = [*LINES[:2], Line(0, 4.0, 5.8, "FAIL then hear this"), LINES[3]]
    clinic.script.failures = 2
    consultations = clinic.process()
    encounter = await clinic.begin(consultations, TWO)
    await speak(await consultations.microphone(encounter, TWO), 9, 2)
    await heard(consultations, encounter, 4)
    texts = [one["text"] for one in (await consultations.snapshot(encounter))["segments"]]
    assert texts == [line.text for line in clinic.script.lines]


async def test_what_an_engine_says_of_its_failure_is_logged_for_operators(clinic: Clinic) -> None:
    clinic.script.lines = [Line(0, 0.5, 1.5, "FAIL then hear this")]
    clinic.script.failures = 1
    clinic.script.fault = EngineRejected("aws", "Transcribe refused.", "See to the credentials.")
    consultations = clinic.process()
    with structlog.testing.capture_logs() as logs:
        encounter = await clinic.begin(consultations, TWO)
        await speak(await consultations.microphone(encounter, TWO), 3, 2)
        await heard(consultations, encounter, 1)
    faults = [one["fault"] for one in logs if one["event"] == "engine failed"]
    assert faults == ["aws: Transcribe refused. See to the credentials."]


async def test_a_newer_microphone_takes_over(clinic: Clinic) -> None:
    consultations = clinic.process()
    encounter = await clinic.begin(consultations, ONE)
    old = await consultations.microphone(encounter, ONE)
    await speak(old, 2, 1)
    new = await consultations.microphone(encounter, ONE)
    assert await old.ended == "taken-over"
    with pytest.raises(VersionConflict):
        await old.append(2, SECOND)
    assert new.next_frame == 2
    await consultations.release(encounter, old)
    assert "session.interrupted" not in dict(await clinic.events(encounter))
    await consultations.release(encounter, new)
    assert "session.interrupted" in dict(await clinic.events(encounter))


async def test_the_format_stays_what_it_was(clinic: Clinic) -> None:
    consultations = clinic.process()
    encounter = await clinic.begin(consultations, ONE)
    await speak(await consultations.microphone(encounter, TWO), 1, 2)
    with pytest.raises(InvalidParameter):
        await consultations.microphone(encounter, ONE)
    assert (await consultations.find(encounter)).audio == TWO


async def test_a_stopped_consultation_records_no_more(clinic: Clinic) -> None:
    consultations = clinic.process()
    encounter = await clinic.begin(consultations, ONE)
    microphone = await consultations.microphone(encounter, ONE)
    await consultations.stop(encounter)
    await consultations.stop(encounter)
    assert await microphone.ended == "stopped"
    with pytest.raises(VersionConflict):
        await consultations.microphone(encounter, ONE)
    with pytest.raises(VersionConflict):
        await consultations.sign(encounter, CALLER)
    with pytest.raises(ResourceNotFound):
        await consultations.stop("unknown")


async def test_an_alert_is_acknowledged_once(clinic: Clinic) -> None:
    clinic.script.lines = LINES
    consultations = clinic.process()
    encounter = await clinic.begin(consultations, TWO)
    await speak(await consultations.microphone(encounter, TWO), 9, 2)
    await heard(consultations, encounter, 4)
    alert = (await consultations.snapshot(encounter))["alerts"][0]
    answered = await consultations.acknowledge(alert["id"], CALLER, "Tolerated it last year.")
    assert answered["status"] == "acknowledged"
    assert answered["acknowledged_by"] == "Dr Adams"
    await consultations.acknowledge(alert["id"], CALLER, "again")
    issue = (await clinic.store.read("DetectedIssue", alert["id"])).resource()
    assert [one["action"]["text"] for one in issue["mitigation"]] == ["Tolerated it last year."]
    assert [t for t, _ in await clinic.events(encounter)].count("alert.updated") == 1
    with pytest.raises(ResourceNotFound):
        await consultations.acknowledge("unknown", CALLER, None)


async def test_a_note_changed_over_fhir_is_not_overwritten(clinic: Clinic) -> None:
    clinic.script.lines = LINES
    consultations = clinic.process()
    encounter = await clinic.begin(consultations, TWO)
    microphone = await consultations.microphone(encounter, TWO)
    await speak(microphone, 4, 2)

    async def noted() -> bool:
        return (await consultations.find(encounter)).note is not None

    await eventually(noted)
    edited = {**(await clinic.resources("Composition"))[0], "title": "Edited by hand"}
    await clinic.store.transact(lambda unit: unit.update(edited))
    await speak(microphone, 5, 2)
    await heard(consultations, encounter, 4)
    await finish(clinic, consultations, encounter)
    assert (await clinic.resources("Composition"))[0]["title"] == "Edited by hand"


@pytest.mark.parametrize(
    "asked",
    [
        Beginning("Patient/p1", False, ONE),
        Beginning("Patient/nobody", True, ONE),
        Beginning("Practitioner/p1", True, ONE),
    ],
)
async def test_what_cannot_begin_leaves_nothing(clinic: Clinic, asked: Beginning) -> None:
    with pytest.raises(InvalidResource):
        await clinic.process().start(asked, CALLER)
    assert await clinic.resources("Encounter") == []
