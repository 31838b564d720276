"""What a note's sentence says must stand in the segments it names: numbers and drugs above all."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from pipelines.facts.numbers import with_digits
from pipelines.ports import NoteDraft, NoteSentence, Segment
from terminology.medications import names_in

# "COVID-19" and "B12" are names: their digits are not figures anybody stated.
_FIGURE = re.compile(r"(?<![A-Za-z0-9.])(?<![A-Za-z]-)\d+(?:\.\d+)?")


def unsupported(draft: NoteDraft, segments: Sequence[Segment]) -> tuple[NoteSentence, ...]:
    """Sentences without evidence, with unknown evidence, or with a number or drug not in it."""
    by_id = {segment.id: segment for segment in segments}
    return tuple(
        sentence
        for sentences in draft.sections.values()
        for sentence in sentences
        if not supported(sentence, by_id)
    )


def check(draft: NoteDraft, segments: Sequence[Segment]) -> NoteDraft:
    """`draft` without its unsupported sentences."""
    wrong = unsupported(draft, segments)
    return replace(
        draft,
        sections={
            code: tuple(sentence for sentence in sentences if sentence not in wrong)
            for code, sentences in draft.sections.items()
        },
    )


def supported(sentence: NoteSentence, segments: Mapping[str, Segment]) -> bool:
    """Whether every number and drug of the sentence occurs in the segments it names."""
    if not sentence.evidence or any(each not in segments for each in sentence.evidence):
        return False
    said = [segments[each].text for each in sentence.evidence]
    return _figures([sentence.text]) <= _figures(said) and _drugs([sentence.text]) <= _drugs(
        [*said, " ".join(said)]
    )


def _figures(texts: Iterable[str]) -> set[float]:
    return {float(each) for text in texts for each in _FIGURE.findall(with_digits(text))}


def _drugs(texts: Iterable[str]) -> frozenset[str]:
    return frozenset(name for text in texts for name in names_in(text))
