"""Drugs and allergies must have been named, and said of the patient, in the same sense."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from pipelines.facts.context import Sentence, read
from pipelines.facts.model import Experiencer, Fact, FactKind, MedicationStatus
from pipelines.facts.sentences import sentences
from pipelines.note.checks.model import Claim, Objection
from pipelines.ports import Role
from terminology.allergens import find_allergens
from terminology.context_cues import find_cues
from terminology.medications import Mention, find_exact, find_medications, is_ordinary, names_in
from terminology.words import words

_BEFORE_DOSE = re.compile(
    r"\b(?P<name>[a-z][a-z-]{4,})\s+\d+(?:\.\d+)?\s*(?:mg|mcg|micrograms?|milligrams?|ml|units?)\b",
    re.IGNORECASE,
)
_SHORT = 4
"""Letters: the list of ordinary words has none shorter."""
_OFF = (MedicationStatus.STOPPED, MedicationStatus.REFUSED)
_ON = (MedicationStatus.TAKING, MedicationStatus.PRESCRIBED)
_TAKES = {"takes", "take", "taking", "start", "started", "starts", "continue", "continues",
          "prescribe", "prescribed", "increase", "increased", "on"}  # fmt: skip


def objections(claim: Claim) -> Iterator[Objection]:
    """Drugs and allergies that nobody named, or that were said to be otherwise."""
    yield from _unnamed(claim)
    for piece in sentences(claim.text):
        sentence = read(piece, Role.UNKNOWN, words(piece))
        if find_cues(sentence.words, "allergy"):
            yield from _allergies(claim, sentence)
        else:
            for mention in find_medications(sentence.words):
                yield from _stance(claim, sentence, mention)


def _unnamed(claim: Claim) -> Iterator[Objection]:
    named = frozenset(name for text in claim.said for name in names_in(text))
    charted = _charted(claim)
    written = frozenset(_written(claim))
    for name in sorted(written - named):
        if name in charted:
            yield Objection(f"{name} is from the chart and was not said here")
        else:
            yield Objection(f"{name} was not said", severe=True)
    spoken = {word.text for text in claim.said_words for word in text}
    for name in _strangers(claim):
        if name not in spoken | charted and not names_in(name):
            yield Objection(f"{name} was not said", severe=True)


def _written(claim: Claim) -> Iterator[str]:
    """Names of the sentence. A model spells: "increase to" is not a drug that sounds like it."""
    for mention in find_medications(claim.words):
        heard = words(mention.heard_as or "")
        if not heard or not all(len(one.text) < _SHORT or is_ordinary(one.text) for one in heard):
            yield mention.medication.name


def _strangers(claim: Claim) -> Iterator[str]:
    """Words before a dose that may be names of drugs which no list has.

    What stands behind a known name belongs to it: "amlodipine besylate 5 mg", "tablets 5 mg".
    """
    known = {found.last for found in find_exact(claim.words)}
    behind = {word.start for at, word in enumerate(claim.words) if at in known}
    for dosed in _BEFORE_DOSE.finditer(claim.text):
        name = dosed["name"].lower()
        if dosed.start() not in behind and not is_ordinary(name) and not find_exact(words(name)):
            yield name


def _charted(claim: Claim) -> frozenset[str]:
    entries = (*claim.chart.medications, *claim.chart.allergies)
    found = {name for entry in entries for name in names_in(entry.text)}
    return frozenset(found | {word.text for entry in entries for word in words(entry.text)})


def _stance(claim: Claim, sentence: Sentence, mention: Mention) -> Iterator[Objection]:
    name = mention.medication.name
    facts = [fact for fact in claim.facts if fact.name == name]
    drugs = [fact for fact in facts if fact.kind is FactKind.MEDICATION]
    if drugs and not sentence.family:
        own = [fact for fact in drugs if fact.experiencer is Experiencer.PATIENT]
        if not own:
            yield Objection(f"{name} was said of somebody else", severe=True)
            return
        drugs = own
    says = _written_stance(sentence, mention)
    said = {stance for fact in drugs if (stance := _said_stance(fact)) is not None}
    allergic = any(f.kind is FactKind.ALLERGY and not f.negated for f in facts)
    if says is not None and said and says not in said:
        yield Objection(f"the opposite was said of {name}", severe=True)
    elif says and allergic and not drugs:
        yield Objection(f"{name} was named as an allergy", severe=True)


def _written_stance(sentence: Sentence, mention: Mention) -> bool | None:
    before = sentence.words[: mention.first]
    if sentence.negated(mention.first, mention.last) or find_cues(before, "stopped", "refused"):
        return False
    if _TAKES & {word.text for word in before} or find_cues(before, "taking", "prescribed"):
        return True
    return None


def _said_stance(fact: Fact) -> bool | None:
    if fact.hypothetical:
        return None
    if fact.negated or fact.status in _OFF:
        return False
    return True if fact.status in _ON else None


def _allergies(claim: Claim, sentence: Sentence) -> Iterator[Objection]:
    facts = [fact for fact in claim.facts if fact.kind is FactKind.ALLERGY]
    places = _allergen_places(sentence)
    for name, first, last in places:
        about = [fact for fact in facts if fact.name == name]
        yield from _of_allergy(claim, name, about, denied=sentence.negated(first, last))
    if not places and sentence.negations:
        yield from _of_none_known(facts)
        yield from _against_the_chart(claim)


def _allergen_places(sentence: Sentence) -> list[tuple[str, int, int]]:
    drugs = [(m.medication.name, m.first, m.last) for m in find_medications(sentence.words)]
    taken = {at for _, first, last in drugs for at in range(first, last)}
    others = find_allergens(sentence.words)
    return drugs + [(f.value.name, f.first, f.last) for f in others if f.first not in taken]


def _of_allergy(
    claim: Claim, name: str, facts: Sequence[Fact], *, denied: bool
) -> Iterator[Objection]:
    own = [fact for fact in facts if fact.experiencer is Experiencer.PATIENT]
    if facts and not own:
        yield Objection(f"the allergy to {name} was said of somebody else", severe=True)
    elif own and denied not in {fact.negated for fact in own}:
        yield Objection(f"the opposite was said of the allergy to {name}", severe=True)
    elif not own:
        spoken = any(find_cues(said, "allergy", "reaction") for said in claim.said_words)
        yield Objection(f"an allergy to {name} is not plainly said", severe=not spoken)


def _against_the_chart(claim: Claim) -> Iterator[Objection]:
    """The chart's allergies do not end by a denial, which may be a slip or an order."""
    if charted := ", ".join(entry.text for entry in claim.chart.allergies):
        known = any(word.text == "known" for word in claim.words)
        yield Objection(f"the chart has an allergy: {charted}", severe=known)


def _of_none_known(facts: Sequence[Fact]) -> Iterator[Objection]:
    if any(not fact.negated and fact.experiencer is Experiencer.PATIENT for fact in facts):
        yield Objection("an allergy was said", severe=True)
    elif not any(fact.negated for fact in facts):
        yield Objection("that there are no allergies is not plainly said")
