"""What is built is valid R4, says where it comes from, and escapes what people said."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.resource import dumps, loads
from fhir_server.validation.structure import check
from pipelines.ports import NoteSentence
from pipelines.resources import (
    composition,
    consent,
    detected_issue,
    device,
    document_reference,
    encounter,
    provenance,
)
from pipelines.resources.binary import binary
from pipelines.resources.composition import NOTE_SENTENCE, SectionText
from pipelines.resources.document_reference import Attached
from pipelines.resources.identity import derived_id
from pipelines.resources.medication_statement import medication_statement
from pipelines.resources.observation import Measured, Said, confirmed, vital_sign

AT = datetime(2026, 1, 31, 8, 15, tzinfo=UTC)
PATIENT = {"reference": "Patient/p1", "display": "Nora Byrne"}
DOCTOR = {"reference": "Practitioner/d1", "display": "Dr Adams"}
SAID = Said("e1", PATIENT, "DocumentReference/t1", ("s3", "s4"), AT)
BLOOD_PRESSURE = [
    Measured("systolic", Decimal("182"), "mm[Hg]"),
    Measured("diastolic", Decimal("95"), "mm[Hg]"),
]


def note(*sentences: NoteSentence) -> dict[str, Any]:
    return composition.preliminary(
        "n1",
        encounter="e1",
        patient=PATIENT,
        author=device.link("rules 1"),
        sections=[
            SectionText("61150-9", "Subjective", sentences),
            SectionText("18776-5", "Plan", ()),
        ],
        at=AT,
    )


def issue() -> dict[str, Any]:
    return detected_issue.raised(
        "i1",
        patient=PATIENT,
        author=device.link("alert-rules 1"),
        transcript="DocumentReference/t1",
        rule="drug-allergy",
        severity="high",
        title="Penicillin allergy",
        detail="Amoxicillin is a penicillin.",
        evidence=("s3",),
        implicated=("AllergyIntolerance/a1",),
        at=AT,
    )


def everything() -> list[dict[str, Any]]:
    draft = note(NoteSentence("n1", "Cough for three days.", ("s1", "s2")))
    visit = encounter.in_progress(
        "e1", patient=PATIENT, practitioner=DOCTOR, started=AT, reason="Cough"
    )
    transcript = document_reference.transcript_started(
        "t1", encounter="e1", patient=PATIENT, author=[device.link("whisper tiny.en")], at=AT
    )
    attached = Attached.of("b1", "text/vtt", "transcript.vtt", b"WEBVTT")
    pressure = vital_sign(
        "o1", code="85354-9", text="blood pressure", measured=BLOOD_PRESSURE, said=SAID
    )
    pulse = [Measured("value", Decimal("72"), "/min")]
    tablets = medication_statement(
        "m1", medication={"text": "amoxicillin"}, status="intended", dosage="500 mg", said=SAID
    )
    return [
        visit,
        encounter.finished(visit, AT),
        consent.to_recording("c1", encounter="e1", patient=PATIENT, practitioner=DOCTOR, given=AT),
        transcript,
        document_reference.transcript_final(transcript, [attached], [DOCTOR], AT),
        document_reference.audio(
            "a1", encounter="e1", patient=PATIENT, author=[DOCTOR], attached=attached, at=AT
        ),
        binary("b1", "text/vtt", b"WEBVTT", "Patient/p1"),
        device.engine("whisper tiny.en", "Transcribes speech."),
        draft,
        composition.signed(draft, DOCTOR, AT),
        issue(),
        detected_issue.acknowledged(issue(), DOCTOR, None, AT),
        pressure,
        confirmed(pressure),
        vital_sign("o2", code="59408-5", text="oxygen saturation", measured=pulse, said=SAID),
        tablets,
        confirmed(tablets),
        provenance.of_signature(
            "p1",
            targets=["Composition/n1"],
            drafter=device.link("rules 1"),
            signer=DOCTOR,
            sources=["DocumentReference/t1"],
            at=AT,
        ),
    ]


@pytest.mark.parametrize("resource", everything(), ids=lambda one: str(one["resourceType"]))
def test_it_is_valid_r4(resource: dict[str, Any]) -> None:
    found = check(loads(dumps(resource)))
    assert [issue for issue in found if issue.severity in ("error", "fatal")] == []


def test_every_sentence_carries_its_evidence() -> None:
    section = note(NoteSentence("n1", "Cough.", ("s1", "s2")))["section"]
    assert len(section) == 1
    extension = section[0]["extension"][0]
    assert extension["url"] == NOTE_SENTENCE
    assert [(part["url"], part["valueString"]) for part in extension["extension"]] == [
        ("id", "n1"),
        ("text", "Cough."),
        ("evidence", "s1"),
        ("evidence", "s2"),
    ]


@given(st.text(st.characters(min_codepoint=32, exclude_categories=["Cs", "Cc", "Cn"]), min_size=1))
def test_any_words_make_a_well_formed_narrative(text: str) -> None:
    said = f"x{text}x"
    div = note(NoteSentence("n1", said, ("s1",)))["section"][0]["text"]["div"]
    paragraph = next(iter(ElementTree.fromstring(div)))  # noqa: S314 - our own text
    assert paragraph.text == said
    assert paragraph.get("id") == "n1"


def test_signing_takes_the_label_away_and_keeps_the_machine_as_author() -> None:
    draft = note(NoteSentence("n1", "Cough.", ("s1",)))
    assert [one["code"] for one in draft["meta"]["security"]] == ["AIAST"]
    final = composition.signed(draft, DOCTOR, AT)
    assert "security" not in final.get("meta", {})
    assert [one["reference"].partition("/")[0] for one in final["author"]] == [
        "Device",
        "Practitioner",
    ]
    assert draft["status"] == "preliminary"


def test_a_blood_pressure_is_one_panel() -> None:
    found = vital_sign("o1", code="85354-9", text="", measured=BLOOD_PRESSURE, said=SAID)
    codes = [part["code"]["coding"][0]["code"] for part in found["component"]]
    assert found["code"]["coding"][0]["code"] == "85354-9"
    assert codes == ["8480-6", "8462-4"]
    assert found["derivedFrom"][0]["extension"][1]["valueString"] == "s4"
    assert found["effectiveDateTime"] == "2026-01-31T08:15:00Z"


def test_an_answer_is_added_to_the_alert() -> None:
    answered = detected_issue.acknowledged(issue(), DOCTOR, "Tolerated before", AT)
    assert answered["status"] == "final"
    assert answered["mitigation"][0]["author"] == DOCTOR
    assert answered["mitigation"][0]["action"]["text"] == "Tolerated before"


def test_the_same_thing_has_the_same_id() -> None:
    assert derived_id("e1", "note") == derived_id("e1", "note")
    assert derived_id("e1", "note") != derived_id("e2", "note")
