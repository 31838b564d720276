"""Objective, Assessment and Plan: vital signs, and the doctor's sentences put in their place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from pipelines.alerts.vital_signs import written
from pipelines.facts.model import Fact, FactKind
from pipelines.facts.sentences import clauses, is_question
from pipelines.note.sections import ASSESSMENT, OBJECTIVE, PLAN, Section
from pipelines.note.wording import as_note
from pipelines.ports import NoteSentence, Role, Segment
from terminology.concepts import find_concepts
from terminology.medications import find_medications
from terminology.note_cues import has_cue
from terminology.words import Word, words

_FEWEST_WORDS = 3


def vital_signs(facts: Sequence[Fact]) -> Iterator[NoteSentence]:
    """A line such as "Blood pressure 182/112 mmHg." for each current reading, repeats left out."""
    seen: set[str] = set()
    named: Counter[str] = Counter()
    for fact in facts:
        if fact.kind is not FactKind.VITAL or not fact.asserted:
            continue
        text = f"{fact.name.capitalize()} {written(fact.values)}."
        if text not in seen:
            seen.add(text)
            name = f"objective-{fact.name.replace(' ', '-')}-{fact.segment_id}"
            named[name] += 1
            # A pressure is often taken twice in one breath.
            again = f"-{named[name]}" if named[name] > 1 else ""
            yield NoteSentence(name + again, text, fact.evidence)


def sorted_sentences(segments: Sequence[Segment]) -> Iterator[tuple[Section, NoteSentence]]:
    """The doctor's exam findings, impressions and plans, each with its section."""
    seen: set[str] = set()
    for segment in segments:
        if segment.role is Role.PATIENT:
            continue
        for at, spoken in enumerate(clauses(segment.text, segment.role), start=1):
            section = _section(spoken, segment.role)
            text = as_note(spoken) if section else ""
            if section and text not in seen and len(text.split()) >= _FEWEST_WORDS:
                seen.add(text)
                name = f"{section.title.lower()}-{segment.id}-{at}"
                yield section, NoteSentence(name, text, (segment.id,))


def _section(spoken: str, role: Role) -> Section | None:
    found = words(spoken)
    if is_question(spoken, role) or len(found) < _FEWEST_WORDS:
        return None
    if _plans(found):
        return PLAN if role is Role.DOCTOR or not _first_person_complaint(found) else None
    if role is Role.DOCTOR and has_cue(found, "exam"):
        return OBJECTIVE
    if role is Role.DOCTOR and has_cue(found, "impression") and _names_condition(found):
        return ASSESSMENT
    return None


def _plans(found: Sequence[Word]) -> bool:
    if not has_cue(found, "plan_verbs"):
        return False
    return has_cue(found, "plan_objects") or bool(find_medications(found))


def _first_person_complaint(found: Sequence[Word]) -> bool:
    return any(word.text in {"my", "me", "i've"} for word in found)


def _names_condition(found: Sequence[Word]) -> bool:
    return any(each.value.group == "conditions" for each in find_concepts(found))
