"""Reactions to an allergen are part of the allergy, not symptoms of today."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from pipelines.facts.model import Fact, FactKind
from pipelines.ports import Segment
from terminology.context_cues import find_cues
from terminology.words import words

_NEARBY = 2
"""Segments back in which the allergy may have been named."""
_TOLD = re.compile(
    r"\b(?:gave me|gives me|made me|makes me|broke out|break out|i got|i get|came out|happened)\b",
    re.IGNORECASE,
)
_PRESENT = re.compile(r"\b(?:now|today|this morning|right now|tonight)\b", re.IGNORECASE)


def without_reactions(
    facts: Sequence[Fact], segment: Segment, previous: Sequence[Segment]
) -> list[Fact]:
    """`facts` less the symptoms that tell what an allergy did; the allergy keeps the first."""
    allergies = [fact for fact in facts if fact.kind is FactKind.ALLERGY and not fact.negated]
    near = [segment, *previous[-_NEARBY:]]
    spoken_of = any(find_cues(words(each.text), "allergy") for each in near)
    if not allergies and not spoken_of:
        return list(facts)
    reactions = [fact for fact in facts if _is_reaction(fact, allergies)]
    kept = [fact for fact in facts if fact not in reactions]
    if not reactions:
        return kept
    return [_with_reaction(fact, reactions[0].name) for fact in kept]


def _is_reaction(fact: Fact, allergies: Sequence[Fact]) -> bool:
    if fact.kind is not FactKind.SYMPTOM or fact.negated or _PRESENT.search(fact.text):
        return False
    beside = any(fact.text == allergy.text and allergy.detail for allergy in allergies)
    return bool(find_cues(words(fact.text), "reaction")) and (
        beside or bool(_TOLD.search(fact.text))
    )


def _with_reaction(fact: Fact, reaction: str) -> Fact:
    if fact.kind is FactKind.ALLERGY and not fact.negated and fact.detail is None:
        return replace(fact, detail=reaction)
    return fact
