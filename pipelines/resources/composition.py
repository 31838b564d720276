"""The SOAP note. https://hl7.org/fhir/R4/composition.html

Each sentence stands in its section's narrative under its id, and once more as an extension that
names the transcript segments proving it and what is to be checked in it. How many sentences an
engine proposed without proof is an extension of the whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape

from fhir_server.clock import instant
from fhir_server.resource import Resource
from pipelines.ports import NoteSentence
from pipelines.resources.datatypes import AIAST, LOINC, PRODUCT, concept, reference, unlabelled
from pipelines.resources.models import build

NOTE_SENTENCE = f"{PRODUCT}/StructureDefinition/note-sentence"
SENTENCES_LEFT_OUT = f"{PRODUCT}/StructureDefinition/sentences-left-out"
_XHTML = "http://www.w3.org/1999/xhtml"


@dataclass(frozen=True)
class SectionText:
    """One section of the note: its LOINC code, its title and what it says."""

    code: str
    title: str
    sentences: tuple[NoteSentence, ...]


def preliminary(
    id: str,
    *,
    encounter: str,
    patient: dict[str, str],
    author: dict[str, str],
    sections: Sequence[SectionText],
    at: datetime,
    left_out: int = 0,
) -> Resource:
    """The draft that a machine wrote; labelled AIAST until a person signs."""
    more = [{"url": SENTENCES_LEFT_OUT, "valueInteger": left_out}] if left_out else None
    return build(
        "Composition",
        id=id,
        meta={"security": [AIAST]},
        extension=more,
        status="preliminary",
        type=concept(LOINC, "11488-4", "Consult note"),
        subject=patient,
        encounter=reference(f"Encounter/{encounter}"),
        date=instant(at),
        author=[author],
        title="Consultation note",
        section=[_section(section) for section in sections if section.sentences],
    )


def signed(draft: Resource, practitioner: dict[str, str], at: datetime) -> Resource:
    """The note as its signer answers for it."""
    return {
        **unlabelled(draft),
        "status": "final",
        "date": instant(at),
        "author": [*draft["author"], practitioner],
        "attester": [{"mode": "legal", "time": instant(at), "party": practitioner}],
    }


def _section(section: SectionText) -> dict[str, object]:
    return {
        "title": section.title,
        "code": concept(LOINC, section.code, section.title),
        "text": {"status": "generated", "div": _narrative(section.sentences)},
        "extension": [_sentence(sentence) for sentence in section.sentences],
    }


def _narrative(sentences: Sequence[NoteSentence]) -> str:
    lines = (f'<p id="{escape(one.id)}">{escape(one.text)}</p>' for one in sentences)
    return f'<div xmlns="{_XHTML}">{"".join(lines)}</div>'


def _sentence(sentence: NoteSentence) -> dict[str, object]:
    return {
        "url": NOTE_SENTENCE,
        "extension": [
            {"url": "id", "valueString": sentence.id},
            {"url": "text", "valueString": sentence.text},
            *({"url": "evidence", "valueString": id} for id in sentence.evidence),
            *({"url": "check", "valueString": doubt} for doubt in sentence.doubts),
        ],
    }
