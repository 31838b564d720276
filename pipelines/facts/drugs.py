"""Medications and allergies of one sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from pipelines.facts.context import Sentence
from pipelines.facts.model import Experiencer, Fact, FactKind, MedicationStatus
from pipelines.facts.numbers import with_digits
from pipelines.ports import Role, Segment
from terminology.allergens import find_allergens
from terminology.context_cues import find_cues
from terminology.medications import Mention, find_medications, system
from terminology.words import Found

_DOSE = re.compile(
    r"(\d+(?:\.\d+)?)\s*-?(mg|milligrams?|mcg|micrograms?|units?|grams?|ml|puffs?|tablets?)\b",
    re.IGNORECASE,
)
_FREQUENCY = re.compile(
    r"\b(?:(?:once|twice|\d+ times|\d+ time)\s+(?:a|per|each|every)?\s*(?:day|daily|week)"
    r"|once daily|twice daily|daily|every \d+ hours|every (?:day|morning|night|evening)"
    r"|at night|at bedtime|in the (?:morning|evening)|as needed|weekly)\b",
    re.IGNORECASE,
)
_FOR_DAYS = re.compile(r"\bfor (?:the next )?\d+ (?:days?|weeks?)\b", re.IGNORECASE)
_ACTIONS = {
    "prescribed": MedicationStatus.PRESCRIBED,
    "taking": MedicationStatus.TAKING,
    "stopped": MedicationStatus.STOPPED,
    "refused": MedicationStatus.REFUSED,
}
_FORWARD = (" to", " of")


@dataclass(frozen=True)
class Topic:
    """What the question before asked for, so that a bare list of names can answer it."""

    allergies: bool = False
    medications: bool = False


def drug_facts(sentence: Sentence, segment: Segment, topic: Topic) -> list[Fact]:
    """Allergy and medication facts of a sentence that is not a question."""
    mentions = find_medications(sentence.words)
    allergic = _allergy_range(sentence, topic)
    facts = [*_allergies(sentence, segment, mentions, allergic)]
    for at, mention in enumerate(mentions):
        if not _within(mention.first, mention.last, allergic):
            end = mentions[at + 1].start if at + 1 < len(mentions) else len(sentence.text)
            facts.append(_medication(sentence, segment, mention, end, topic))
    return facts


def topic_of(sentence: Sentence) -> Topic:
    """What a question asks for."""
    said = {word.text for word in sentence.words}
    return Topic(
        allergies=bool(find_cues(sentence.words, "allergy")),
        medications=bool(
            said & {"medications", "medication", "medicine", "medicines", "meds", "tablets"}
        ),
    )


def _allergy_range(sentence: Sentence, topic: Topic) -> tuple[int, int] | None:
    """The words that name what the allergy is to."""
    cues = find_cues(sentence.words, "allergy")
    if not cues:
        reacted = _reaction_after_drug(sentence)
        if topic.allergies and not find_cues(sentence.words, "prescribed"):
            return 0, len(sentence.words)
        return reacted
    cue = cues[0]
    forward = _words(sentence, cue).endswith(_FORWARD)
    actions = find_cues(sentence.words, "prescribed", "stopped")
    stop = min((a.first for a in actions if a.first >= cue.last), default=len(sentence.words))
    return (cue.first, stop) if forward else (max(0, cue.first - 3), stop)


def _reaction_after_drug(sentence: Sentence) -> tuple[int, int] | None:
    """As in "penicillin gave me hives": the drug before, the reaction behind."""
    for at, word in enumerate(sentence.words):
        if word.text in {"gave", "gives", "makes", "made"} and at + 1 < len(sentence.words):
            following = sentence.words[at + 1].text
            reactions = [c for c in find_cues(sentence.words, "reaction") if c.first > at]
            if following in {"me", "you"} and reactions:
                return 0, at
    return None


def _within(first: int, last: int, span: tuple[int, int] | None) -> bool:
    return span is not None and span[0] <= first and last <= span[1]


def _words(sentence: Sentence, found: Found[str]) -> str:
    return " ".join(word.text for word in sentence.words[found.first : found.last])


def _allergies(
    sentence: Sentence, segment: Segment, mentions: list[Mention], span: tuple[int, int] | None
) -> Iterator[Fact]:
    if span is None:
        return
    reaction = _reaction(sentence)
    taken: set[int] = set()
    for m in mentions:
        if _within(m.first, m.last, span):
            taken.update(range(m.first, m.last))
            code = m.medication.rxnorm
            yield _allergy(sentence, segment, m.first, m.last, m.medication.name,
                           reaction, m.heard_as, code)  # fmt: skip
    for found in find_allergens(sentence.words):
        if _within(found.first, found.last, span) and found.first not in taken:
            taken.update(range(found.first, found.last))
            yield _allergy(
                sentence, segment, found.first, found.last, found.value.name, reaction, None, None
            )
    if not taken and sentence.negations and find_cues(sentence.words, "allergy"):
        yield _allergy(sentence, segment, len(sentence.words), 0, "any", None, None, None)


def _allergy(
    sentence: Sentence,
    segment: Segment,
    first: int,
    last: int,
    name: str,
    reaction: str | None,
    heard: str | None,
    code: str | None,
) -> Fact:
    none_known = name == "any"
    family = not none_known and sentence.relative(first, last)
    return Fact(
        FactKind.ALLERGY,
        name,
        sentence.text,
        segment.id,
        segment.role,
        (segment.id,),
        negated=none_known or sentence.negated(first, last),
        experiencer=Experiencer.FAMILY if family else Experiencer.PATIENT,
        hypothetical=not none_known and sentence.hypothetical(first),
        detail=reaction,
        heard_as=heard,
        system=system() if code else None,
        code=code,
    )


def _reaction(sentence: Sentence) -> str | None:
    found = find_cues(sentence.words, "reaction")
    return _words(sentence, found[0]) if found else None


def _medication(
    sentence: Sentence, segment: Segment, mention: Mention, end: int, topic: Topic
) -> Fact:
    dose = _dose(sentence.text[mention.end : end])
    negated = sentence.negated(mention.first, mention.last)
    drug = mention.medication
    return Fact(
        FactKind.MEDICATION,
        drug.name,
        sentence.text,
        segment.id,
        segment.role,
        (segment.id,),
        negated=negated,
        experiencer=sentence.experiencer(mention.first, mention.last),
        hypothetical=sentence.hypothetical(mention.first),
        status=_status(sentence, mention, dose, topic),
        detail=dose,
        heard_as=mention.heard_as,
        system=system() if drug.rxnorm else None,
        code=drug.rxnorm,
    )


def _dose(tail: str) -> str | None:
    """The dose, "10 mg once a day", out of the words behind a drug name, numbers in digits."""
    text = with_digits(tail)
    dose, frequency = _DOSE.search(text[:60]), _FREQUENCY.search(text)
    parts = []
    if dose:
        unit = {"milligram": "mg", "milligrams": "mg"}.get(dose.group(2).lower(), dose.group(2))
        parts.append(f"{dose.group(1)} {unit}")
    if frequency:
        parts.append(frequency.group().lower())
    return " ".join(parts) or None


def _status(
    sentence: Sentence, mention: Mention, dose: str | None, topic: Topic
) -> MedicationStatus:
    actions = [
        cue
        for cue in find_cues(sentence.words, *_ACTIONS)
        if cue.last <= mention.first and _may_act(cue, sentence)
    ]
    if actions:
        return _ACTIONS[actions[-1].value]
    if topic.medications:
        return MedicationStatus.TAKING
    # A doctor who names drug, dose and course without a verb is prescribing.
    course = _FOR_DAYS.search(with_digits(sentence.text[mention.end :]))
    if _may_be_doctor(sentence) and dose and course:
        return MedicationStatus.PRESCRIBED
    return MedicationStatus.MENTIONED


def _may_act(cue: Found[str], sentence: Sentence) -> bool:
    """A patient does not prescribe."""
    return not (cue.value == "prescribed" and sentence.role is Role.PATIENT)


def _may_be_doctor(sentence: Sentence) -> bool:
    """Whether the speaker may be the doctor."""
    return sentence.role is not Role.PATIENT
