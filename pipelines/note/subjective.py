"""Subjective: complaint, what is reported and denied, history, medications, allergies, family."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from pipelines.facts.model import Experiencer, Fact, FactKind, MedicationStatus
from pipelines.note.wording import listed, tidy
from pipelines.ports import NoteSentence, Role
from terminology.note_cues import has_cue
from terminology.words import words

_LONGEST_QUOTE = 30
"""Words. Longer sentences of speech rarely stay on one matter."""
_TELLING = (FactKind.SYMPTOM, FactKind.FEATURE)


def subjective(facts: Sequence[Fact]) -> Iterator[NoteSentence]:
    """The section's sentences; their ids do not change as more facts arrive."""
    yield from _reported(facts)
    yield from _denied(facts)
    yield from _history(facts)
    yield from _medications(facts)
    yield from _allergies(facts)
    yield from _family(facts)


def evidence_of(facts: Sequence[Fact]) -> tuple[str, ...]:
    """Every segment the facts rest on, in order."""
    return tuple(dict.fromkeys(each for fact in facts for each in fact.evidence))


def _reported(facts: Sequence[Fact]) -> Iterator[NoteSentence]:
    told = [f for f in facts if f.kind in _TELLING and f.asserted and f.role is not Role.DOCTOR]
    known: set[str] = set()
    first = True
    for (segment, text), group in groupby(told, key=lambda fact: (fact.segment_id, fact.text)):
        here = list(group)
        new = [fact for fact in here if fact.name not in known]
        symptoms = [fact for fact in new if fact.kind is FactKind.SYMPTOM]
        if not symptoms and not (known and new):
            continue
        names = list(dict.fromkeys(fact.name for fact in (symptoms or new)))
        features = [f.name for f in new if f.kind is FactKind.FEATURE and symptoms]
        known.update(fact.name for fact in new)
        verb = "Presents with" if first else "Reports" if symptoms else "Reports it"
        since = _since(here[0].duration)
        said = " ".join([verb, listed(names), *(f"({each})" for each in features)]) + since
        yield NoteSentence(
            f"subjective-{segment}-{len(known)}", said + _quoted(text, here), evidence_of(here)
        )
        first = False


def _since(duration: str | None) -> str:
    if duration is None:
        return ""
    return f" {duration}" if duration.endswith("ago") or duration.startswith("since") else (
        f" for {duration}"
    )  # fmt: skip


def _quoted(text: str, facts: Sequence[Fact]) -> str:
    """The patient's own words, unless they are a bare yes or too long."""
    said = tidy(text)
    answered = any(len(fact.evidence) > 1 for fact in facts)
    if answered or not 3 < len(said.split()) <= _LONGEST_QUOTE:
        return "."
    return f': "{said}"'


def _denied(facts: Sequence[Fact]) -> Iterator[NoteSentence]:
    mine = [f for f in facts if f.experiencer is Experiencer.PATIENT and f.role is not Role.DOCTOR]
    has = {fact.name for fact in facts if fact.asserted}
    denied = [
        f
        for f in mine
        if f.negated and f.name not in has and f.kind in (FactKind.SYMPTOM, FactKind.CONDITION)
    ]
    if denied:
        names = list(dict.fromkeys(fact.name for fact in denied))
        yield NoteSentence("subjective-denies", f"Denies {listed(names)}.", evidence_of(denied))


def _history(facts: Sequence[Fact]) -> Iterator[NoteSentence]:
    known = [
        f
        for f in facts
        if f.kind is FactKind.CONDITION
        and f.asserted
        and (f.role is not Role.DOCTOR or has_cue(words(f.text), "history"))
    ]
    if known:
        names = list(dict.fromkeys(fact.name for fact in known))
        text = f"Medical history: {listed(names)}."
        yield NoteSentence("subjective-history", text, evidence_of(known))


def _medications(facts: Sequence[Fact]) -> Iterator[NoteSentence]:
    drugs = [
        f
        for f in facts
        if f.kind is FactKind.MEDICATION and f.experiencer is Experiencer.PATIENT
        and not f.hypothetical
    ]  # fmt: skip
    for name in dict.fromkeys(fact.name for fact in drugs):
        about = [fact for fact in drugs if fact.name == name]
        taking = [f for f in about if f.status is MedicationStatus.TAKING and not f.negated]
        stopped = [f for f in about if f.status is MedicationStatus.STOPPED and not f.negated
                   and f.role is not Role.DOCTOR]  # fmt: skip
        stated = taking or stopped
        if stated:
            verb = "Takes" if taking else "Has stopped"
            dosed = next((fact for fact in stated if fact.detail), stated[0])
            yield NoteSentence(
                f"subjective-medication-{name.replace(' ', '-')}",
                f"{verb} {_drug(dosed)}.",
                evidence_of(stated),
            )


def _drug(fact: Fact) -> str:
    heard = f' (heard as "{fact.heard_as}")' if fact.heard_as else ""
    return f"{fact.name}{heard}" + (f" {fact.detail}" if fact.detail else "")


def _allergies(facts: Sequence[Fact]) -> Iterator[NoteSentence]:
    allergies = [f for f in facts if f.kind is FactKind.ALLERGY]
    known = [fact for fact in allergies if fact.asserted]
    for name in dict.fromkeys(fact.name for fact in known):
        about = [fact for fact in known if fact.name == name]
        reaction = next((f" ({fact.detail})" for fact in about if fact.detail), "")
        text = f"Allergic to {name}{reaction}."
        yield NoteSentence(f"subjective-allergy-{name.replace(' ', '-')}", text, evidence_of(about))
    none = [fact for fact in allergies if fact.negated and fact.name == "any"]
    if none and not known:
        yield NoteSentence("subjective-allergies", "No known allergies.", evidence_of(none))


def _family(facts: Sequence[Fact]) -> Iterator[NoteSentence]:
    family = [
        f
        for f in facts
        if f.kind is FactKind.CONDITION
        and f.experiencer is Experiencer.FAMILY
        and not (f.negated or f.hypothetical)
    ]
    if family:
        names = list(dict.fromkeys(f"{fact.name} ({fact.detail})" for fact in family))
        text = f"Family history: {listed(names)}."
        yield NoteSentence("subjective-family", text, evidence_of(family))
