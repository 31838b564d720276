"""Symptoms and conditions must be said of the same person, and with the same yes or no."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from pipelines.facts.context import Sentence, read
from pipelines.facts.model import Experiencer, Fact, FactKind
from pipelines.facts.sentences import sentences
from pipelines.note.checks.model import Claim, Objection
from pipelines.note.sections import OBJECTIVE, SUBJECTIVE
from pipelines.ports import Role
from terminology.concepts import Concept, find_concepts
from terminology.context_cues import find_cues
from terminology.words import Found, words

_KINDS = (FactKind.SYMPTOM, FactKind.FEATURE, FactKind.CONDITION)
_FAMILY_HISTORY = re.compile(r"\bfamily (?:medical )?history\b", re.IGNORECASE)
_BEHIND = re.compile(r"\s*\(([^)]*)\)")
_STATED = (SUBJECTIVE, OBJECTIVE)
"""Sections that say what is; the others say what is thought and planned."""


def objections(claim: Claim) -> Iterator[Objection]:
    """Findings denied that were affirmed, of another person, supposed only, or not said."""
    for piece in sentences(claim.text):
        sentence = read(piece, Role.UNKNOWN, words(piece))
        for found in find_concepts(sentence.words):
            yield from _of_finding(claim, sentence, found)


def _of_finding(claim: Claim, sentence: Sentence, found: Found[Concept]) -> Iterator[Objection]:
    name = found.value.name
    facts = [fact for fact in claim.facts if fact.kind in _KINDS and fact.name == name]
    if not facts and any(fact.detail == name for fact in claim.facts):
        return  # the reaction that an allergy caused
    if not facts:
        yield _unstated(claim, name)
        return
    whose = Experiencer.FAMILY if family(sentence, found) else Experiencer.PATIENT
    own = [fact for fact in facts if fact.experiencer is whose]
    if not own:
        yield Objection(f"{name} was said of somebody else", severe=True)
        return
    yield from _of_polarity(claim, sentence, found, own)


def _of_polarity(
    claim: Claim, sentence: Sentence, found: Found[Concept], facts: Sequence[Fact]
) -> Iterator[Objection]:
    name = found.value.name
    denied = sentence.negated(found.first, found.last)
    definite = {fact.negated for fact in facts if not fact.hypothetical}
    if definite and denied not in definite:
        yield Objection(f"the opposite was said of {name}", severe=True)
    elif len(definite) > 1:
        yield Objection(f"{name} was both affirmed and denied")
    elif not definite and claim.section in _STATED and not sentence.hypothetical(found.first):
        yield Objection(f"{name} was only spoken of as possible")


def _unstated(claim: Claim, name: str) -> Objection:
    spoken = {each.value.name for said in claim.said_words for each in find_concepts(said)}
    if name in spoken:
        return Objection(f"whether there is {name} was not plainly answered")
    return Objection(f"{name} is not in the words it rests on")


def family(sentence: Sentence, found: Found[Concept]) -> bool:
    """Whether a note's sentence says a finding of a relative."""
    if sentence.relative(found.first, found.last):
        return True
    if _FAMILY_HISTORY.search(sentence.text[: found.start]):
        return True
    behind = _BEHIND.match(sentence.text[found.end :])
    return bool(behind and find_cues(words(behind.group(1)), "family"))
