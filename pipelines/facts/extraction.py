"""Facts of a segment: sentence by sentence, with a question's facts awaiting their answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from pipelines.facts.context import Sentence, read
from pipelines.facts.drugs import Topic, drug_facts, topic_of
from pipelines.facts.findings import finding_facts, vital_facts
from pipelines.facts.model import Fact, FactKind, MedicationStatus
from pipelines.facts.reactions import without_reactions
from pipelines.facts.sentences import answer, clauses, is_question
from pipelines.ports import Role, Segment
from terminology.words import words

_ANSWERABLE = (FactKind.SYMPTOM, FactKind.FEATURE, FactKind.CONDITION, FactKind.MEDICATION)


@dataclass(frozen=True)
class _Asked:
    """A question waiting for its answer: what it named and the segments it was asked in."""

    facts: tuple[Fact, ...] = ()
    topic: Topic = field(default_factory=Topic)
    negative: bool = False
    segments: tuple[str, ...] = ()


def extract(segment: Segment, previous: Sequence[Segment] = ()) -> tuple[Fact, ...]:
    """Facts stated in `segment`. `previous` are the segments before it, the newest last.

    A question states nothing; its answer makes its facts true or denied. Deterministic.
    """
    asked = _pending(segment, previous)
    facts: list[Fact] = []
    for text in clauses(segment.text, segment.role):
        sentence = read(text, segment.role, words(text))
        if is_question(text, segment.role):
            asked = _ask(sentence, segment)
            continue
        facts += _answered(text, sentence, segment, asked)
        facts += _stated(sentence, segment, asked.topic)
        asked = _Asked(topic=asked.topic, segments=asked.segments)
    facts = without_reactions(facts, segment, previous)
    return tuple(dict.fromkeys(facts))


def _stated(sentence: Sentence, segment: Segment, topic: Topic) -> list[Fact]:
    return [
        *vital_facts(sentence, segment),
        *finding_facts(sentence, segment),
        *drug_facts(sentence, segment, topic),
    ]


def _ask(sentence: Sentence, segment: Segment) -> _Asked:
    facts = [
        fact
        for fact in [*finding_facts(sentence, segment), *drug_facts(sentence, segment, Topic())]
        if fact.kind in _ANSWERABLE
    ]
    negative = any(fact.negated for fact in facts)
    return _Asked(tuple(facts), topic_of(sentence), negative, (segment.id,))


def _pending(segment: Segment, previous: Sequence[Segment]) -> _Asked:
    """The question the segment before left open, if somebody else may have asked it."""
    if not previous:
        return _Asked()
    last = previous[-1]
    if last.role is segment.role and last.role is not Role.UNKNOWN:
        return _Asked()
    text = last.text
    ids: tuple[str, ...] = (last.id,)
    if len(previous) > 1 and _continues(previous[-2], last):
        text, ids = f"{previous[-2].text} {last.text}", (previous[-2].id, last.id)
    pieces = clauses(text, last.role)
    if not pieces or not is_question(pieces[-1], last.role):
        return _Asked()
    asked = _ask(read(pieces[-1], last.role, words(pieces[-1])), last)
    if len(ids) > 1 and pieces[-1] in last.text:
        ids = (last.id,)
    return replace(asked, segments=ids)


def _continues(earlier: Segment, later: Segment) -> bool:
    """Whether a pause split a sentence of one speaker over two segments."""
    return earlier.role is later.role and not earlier.text.rstrip().endswith((".", "?", "!"))


def _answered(text: str, sentence: Sentence, segment: Segment, asked: _Asked) -> list[Fact]:
    """The facts of the question as the answer decides them."""
    said = answer(text)
    if said is None or not asked.segments:
        return []
    if said is False and asked.topic.allergies:
        return [*_denials(sentence, segment, asked), _no_allergies(text, segment, asked)]
    return _denials(sentence, segment, asked) if said is False else _affirmed(segment, asked)


def _denials(sentence: Sentence, segment: Segment, asked: _Asked) -> list[Fact]:
    named = {fact.name for fact in finding_facts(sentence, segment)}
    return [
        _settled(fact, segment, asked, negated=True)
        for fact in asked.facts
        if fact.name not in named
    ]


def _affirmed(segment: Segment, asked: _Asked) -> list[Fact]:
    """A bare yes to a list leaves open which of it is meant, to a negative question also."""
    primary = [fact for fact in asked.facts if fact.kind is not FactKind.FEATURE]
    if asked.negative or len({fact.name for fact in primary}) > 1:
        return []
    return [_settled(fact, segment, asked, negated=False) for fact in asked.facts]


def _settled(fact: Fact, segment: Segment, asked: _Asked, *, negated: bool) -> Fact:
    status = fact.status
    if status is MedicationStatus.MENTIONED and not negated:
        status = MedicationStatus.TAKING
    evidence = tuple(dict.fromkeys((*asked.segments, segment.id)))
    return replace(
        fact,
        segment_id=segment.id,
        role=segment.role,
        evidence=evidence,
        negated=negated,
        hypothetical=False,
        status=status,
    )


def _no_allergies(text: str, segment: Segment, asked: _Asked) -> Fact:
    evidence = tuple(dict.fromkeys((*asked.segments, segment.id)))
    return Fact(FactKind.ALLERGY, "any", text, segment.id, segment.role, evidence, negated=True)
