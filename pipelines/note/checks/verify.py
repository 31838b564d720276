"""All checks on a whole draft: what is kept, what is marked, what is left out.

A sentence stays only with evidence that exists. One that contradicts its evidence, or states a
figure, a drug, a side or a person's history that is not in it, is left out and counted; one that
is merely not shown to be so is kept and says what to check.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from pipelines.facts.model import Fact
from pipelines.note.checks import (
    authority,
    bearing,
    directions,
    doses,
    figures,
    findings,
    frequencies,
    laboratory,
    medications,
    named_figures,
    polarity,
    sides,
    spans,
)
from pipelines.note.checks.model import Claim, Objection
from pipelines.note.rules import facts_of
from pipelines.note.sections import SECTIONS, Section
from pipelines.ports import Chart, NoteDraft, NoteSentence, Segment

_CHECKS: tuple[Callable[[Claim], Iterable[Objection]], ...] = (
    bearing.objections,
    authority.objections,
    figures.objections,
    named_figures.objections,
    spans.objections,
    laboratory.objections,
    doses.objections,
    frequencies.objections,
    medications.objections,
    findings.objections,
    sides.objections,
    polarity.objections,
    directions.objections,
)


def verify(draft: NoteDraft, segments: Sequence[Segment], chart: Chart) -> NoteDraft:
    """The draft with `doubts` and `left_out` as the evidence in `segments` demands.

    `left_out` adds to what the draft had. Sections that the note does not have are left out.
    """
    visit = _Visit.of(segments, chart)
    sections: dict[str, tuple[NoteSentence, ...]] = {}
    left_out = draft.left_out
    known = {section.code: section for section in SECTIONS}
    for code, proposed in draft.sections.items():
        section = known.get(code)
        judged = [visit.judge(one, section) for one in proposed] if section else []
        kept = tuple(one for one in judged if one is not None)
        left_out += len(proposed) - len(kept)
        if kept:
            sections[code] = kept
    return replace(draft, sections=sections, left_out=left_out)


@dataclass(frozen=True)
class _Visit:
    segments: Mapping[str, Segment]
    order: Mapping[str, int]
    facts: Mapping[str, Sequence[Fact]]
    """For each segment the facts that rest on it."""
    chart: Chart

    @classmethod
    def of(cls, segments: Sequence[Segment], chart: Chart) -> _Visit:
        facts: dict[str, list[Fact]] = {}
        for fact in facts_of(segments):
            for id in fact.evidence:
                facts.setdefault(id, []).append(fact)
        by_id = {segment.id: segment for segment in segments}
        return cls(by_id, {id: at for at, id in enumerate(by_id)}, facts, chart)

    def judge(self, sentence: NoteSentence, section: Section) -> NoteSentence | None:
        """The sentence with its doubts, None when it is to be left out."""
        evidence = tuple(
            sorted({id for id in sentence.evidence if id in self.segments}, key=self.order.get)  # type: ignore[arg-type]
        )
        if not evidence or not sentence.text.strip():
            return None
        objections = self._objections(sentence.text, section, evidence)
        if any(one.severe for one in objections):
            return None
        doubts = tuple(dict.fromkeys([*sentence.doubts, *(one.reason for one in objections)]))
        return replace(sentence, evidence=evidence, doubts=doubts)

    def _objections(self, text: str, section: Section, evidence: Sequence[str]) -> list[Objection]:
        facts = dict.fromkeys(fact for id in evidence for fact in self.facts.get(id, ()))
        named = [self.segments[id] for id in evidence]
        claim = Claim(text, section, named, tuple(facts), self.chart)
        return [objection for check in _CHECKS for objection in check(claim)]
