"""What is to be checked in a note, and how much was left out, stands in its Composition."""

from __future__ import annotations

from datetime import UTC, datetime

from fhir_server.validation.validator import validate
from pipelines.consultation import events
from pipelines.ports import NoteSentence
from pipelines.resources import composition
from pipelines.resources.composition import NOTE_SENTENCE, SENTENCES_LEFT_OUT, SectionText

SURE = NoteSentence("a", "Chest pain.", ("s1",))
DOUBTED = NoteSentence("b", "Reports nausea.", ("s2",), ("nausea is not in the words",))
SECTIONS = [SectionText("61150-9", "Subjective", (SURE, DOUBTED))]


def test_the_composition_says_what_to_check_and_is_valid() -> None:
    note = composition.preliminary(
        "n1",
        encounter="e1",
        patient={"reference": "Patient/p1"},
        author={"reference": "Device/d1"},
        sections=SECTIONS,
        at=datetime(2026, 11, 27, tzinfo=UTC),
        left_out=3,
    )
    assert note["extension"] == [{"url": SENTENCES_LEFT_OUT, "valueInteger": 3}]
    sure, doubted = note["section"][0]["extension"]
    assert (sure["url"], doubted["url"]) == (NOTE_SENTENCE, NOTE_SENTENCE)
    parts = [(one["url"], one["valueString"]) for one in doubted["extension"]]
    assert parts[-1] == ("check", "nausea is not in the words")
    assert all(one["url"] != "check" for one in sure["extension"])
    assert validate(note) == ()


def test_the_event_says_the_same() -> None:
    data = events.note("Composition/n1", 1, "preliminary", SECTIONS, left_out=3)
    assert data["left_out"] == 3
    assert [one["check"] for one in data["sections"][0]["sentences"]] == [
        [],
        ["nausea is not in the words"],
    ]
