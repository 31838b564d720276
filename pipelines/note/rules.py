"""The offline note drafter: facts and the doctor's sentences under four headings.

Extractive and deterministic: each sentence names the segments it rests on, and one whose numbers
or drugs are not in them is dropped.
"""

from __future__ import annotations

from collections.abc import Sequence

from pipelines.facts.extraction import extract
from pipelines.facts.model import Fact
from pipelines.note.doctor import sorted_sentences, vital_signs
from pipelines.note.evidence import check
from pipelines.note.sections import OBJECTIVE, SECTIONS, SUBJECTIVE
from pipelines.note.subjective import subjective
from pipelines.ports import Chart, NoteDraft, NoteSentence, Segment

_LOOK_BACK = 3
"""Segments before one that can hold the question it answers."""


class RulesDrafter:
    """Implements `pipelines.ports.NoteDrafter` with no model and no network."""

    name = "rules 1"
    live_interval = 0.0

    async def draft(self, segments: Sequence[Segment], chart: Chart) -> NoteDraft:
        """Draft the whole note anew. Nothing clinical said gives an empty draft.

        The chart is not repeated in the note: what the chart knows has no segment as evidence.
        """
        return draft_note(segments)


def draft_note(segments: Sequence[Segment]) -> NoteDraft:
    """The note of `segments`, a pure function; sentence ids stay the same as segments follow."""
    facts = facts_of(segments)
    sections: dict[str, list[NoteSentence]] = {section.code: [] for section in SECTIONS}
    sections[SUBJECTIVE.code] += subjective(facts)
    sections[OBJECTIVE.code] += vital_signs(facts)
    for section, sentence in sorted_sentences(segments):
        sections[section.code].append(sentence)
    draft = NoteDraft({code: tuple(found) for code, found in sections.items() if found})
    checked = check(draft, segments)
    return NoteDraft({code: found for code, found in checked.sections.items() if found})


def facts_of(segments: Sequence[Segment]) -> tuple[Fact, ...]:
    """Facts of all segments, each read with those before it."""
    return tuple(
        fact
        for at, segment in enumerate(segments)
        for fact in extract(segment, segments[max(0, at - _LOOK_BACK) : at])
    )
