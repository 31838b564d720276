"""A long visit in parts: where it is cut, and how the sentences of its parts become one note."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from integrations.llm.budget import tokens_of_segment
from integrations.llm.structured_output import Proposal
from pipelines.facts.numbers import numbers_in
from pipelines.note.sections import SECTIONS
from pipelines.ports import NoteDraft, NoteSentence, Segment
from terminology.context_cues import find_cues
from terminology.medications import names_in
from terminology.words import words

_SMALL = frozenset(
    "a an and at for has in is of on or reports takes the to was with".split()  # noqa: SIM905
)


def cuts(segments: Sequence[Segment], tokens: int) -> list[tuple[int, int]]:
    """Ranges `[first, last)` of at most `tokens`, one segment at least.

    What follows later moves no cut, so that a part that is full is drafted once.
    """
    ranges, first, used = [], 0, 0
    for at, segment in enumerate(segments):
        cost = tokens_of_segment(segment)
        if at > first and used + cost > tokens:
            ranges.append((first, at))
            first, used = at, 0
        used += cost
    return [*ranges, (first, len(segments))] if segments else []


def joined(proposals: Iterable[Proposal]) -> NoteDraft:
    """All proposed sentences in order, unchecked. An id follows from the sentence's evidence."""
    parts = list(proposals)
    sections: dict[str, tuple[NoteSentence, ...]] = {}
    for section in SECTIONS:
        counts: dict[str, int] = {}
        sentences = []
        for one in (one for part in parts for one in part.get(section.code, ())):
            first = min(one.evidence, key=_number, default="s0")
            counts[first] = counts.get(first, 0) + 1
            id = f"{section.title.lower()}-{first}-{counts[first]}"
            sentences.append(NoteSentence(id, one.text, one.evidence))
        sections[section.code] = tuple(sentences)
    return NoteDraft(sections)


def without_repeats(draft: NoteDraft) -> NoteDraft:
    """The draft with sentences that say the same made one, with the evidence of both."""
    sections = {code: tuple(_merged(found)) for code, found in draft.sections.items()}
    return replace(draft, sections=sections)


def _merged(sentences: Sequence[NoteSentence]) -> Iterator[NoteSentence]:
    kept: list[NoteSentence] = []
    for sentence in sentences:
        alike = [n for n, one in enumerate(kept) if _same(one.text, sentence.text)]
        if not alike:
            kept.append(sentence)
            continue
        first, *others = alike
        kept[first] = _both(kept[first], sentence)
        # A fuller sentence may say what several did that had nothing in common.
        for n in reversed(others):
            if _same(kept[first].text, kept[n].text):
                kept[first] = _both(kept[first], kept.pop(n))
    yield from kept


def _both(one: NoteSentence, other: NoteSentence) -> NoteSentence:
    fuller = one if len(_content(one.text)) >= len(_content(other.text)) else other
    evidence = sorted({*one.evidence, *other.evidence}, key=_number)
    # Evidence only adds up; a doubt of the sentence that stays is still one.
    return replace(one, text=fuller.text, evidence=tuple(evidence), doubts=fuller.doubts)


def _same(one: str, other: str) -> bool:
    """Whether one says all that the other says, and no figure, drug, side or no sets them apart."""
    if _marks(one) != _marks(other):
        return False
    a, b = _content(one), _content(other)
    return bool(a and b) and (a <= b or b <= a)


def _marks(text: str) -> tuple[object, ...]:
    found = words(text)
    told = {word.text for word in found}
    kinds = ("negation", "negation_after", "hypothetical", "family", "allergy", "stopped", "past")
    cues = tuple(bool(find_cues(found, kind)) for kind in kinds)
    sides = frozenset(told & {"left", "right", "both", "bilateral"})
    return (sorted(numbers_in(text)), names_in(text), sides, cues)


def _content(text: str) -> frozenset[str]:
    return frozenset(word.text for word in words(text)) - _SMALL


def _number(id: str) -> tuple[int, str]:
    digits = id[1:]
    return (int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 18 else 0, id)
