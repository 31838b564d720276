"""Symptoms, their features, conditions and vital signs of one sentence."""

from __future__ import annotations

import re

from pipelines.facts.context import Sentence
from pipelines.facts.model import Fact, FactKind
from pipelines.facts.numbers import with_digits
from pipelines.facts.vitals import readings
from pipelines.ports import Segment
from terminology.concepts import Concept, find_concepts
from terminology.context_cues import find_cues
from terminology.words import Found

_KINDS = {
    "symptoms": FactKind.SYMPTOM,
    "features": FactKind.FEATURE,
    "conditions": FactKind.CONDITION,
}
_COUNT = r"(?:\d+(?:\.\d+)?|an?|a few|a couple of|a couple|several|the past|the last)"
_SPAN = r"(?:minutes?|hours?|days?|nights?|weeks?|months?|years?)"
_DURATION = re.compile(
    rf"\b(?:(?:for|over|about|past|last|these|in)\s+(?:the\s+)?(?:past|last|about|around)?\s*"
    rf"(?P<span>{_COUNT}\s+(?:or (?:so|two)\s+)?{_SPAN})"
    rf"|(?P<ago>{_COUNT}\s+{_SPAN}\s+ago)|(?P<since>since\s+\w+(?:\s+{_SPAN})?))",
    re.IGNORECASE,
)


def finding_facts(sentence: Sentence, segment: Segment) -> list[Fact]:
    """Findings of a sentence, asserted or denied as it says."""
    found = find_concepts(sentence.words)
    duration = duration_of(sentence.text)
    return [_finding(sentence, segment, each, duration) for each in found]


def vital_facts(sentence: Sentence, segment: Segment) -> list[Fact]:
    """Vital signs of a sentence. A goal or an earlier reading is hypothetical."""
    family = bool(sentence.family)
    return [
        Fact(
            FactKind.VITAL,
            reading.name,
            sentence.text,
            segment.id,
            segment.role,
            (segment.id,),
            hypothetical=not reading.current or family,
            values=reading.values,
        )
        for reading in readings(sentence.text)
    ]


def duration_of(text: str) -> str | None:
    """How long, in the speaker's words with digits: "3 weeks", "2 days ago", "since Monday"."""
    match = _DURATION.search(with_digits(text))
    if match is None:
        return None
    return match.group("span") or match.group("ago") or match.group("since")


def _finding(
    sentence: Sentence, segment: Segment, found: Found[Concept], duration: str | None
) -> Fact:
    concept, first, last = found.value, found.first, found.last
    return Fact(
        _KINDS[concept.group],
        concept.name,
        sentence.text,
        segment.id,
        segment.role,
        (segment.id,),
        negated=sentence.negated(first, last),
        experiencer=sentence.experiencer(first, last),
        hypothetical=sentence.hypothetical(first),
        past=concept.group != "conditions" and bool(find_cues(sentence.words, "past")),
        duration=duration,
        detail=sentence.relative(first, last),
        system=concept.system,
        code=concept.code,
    )
