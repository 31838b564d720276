"""What the patient takes or is being given, from speech and chart together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pipelines.facts.model import Experiencer, Fact, FactKind, MedicationStatus
from pipelines.ports import Chart
from terminology.medications import Medication, find_exact, medication
from terminology.words import words

_IN_USE = (MedicationStatus.TAKING, MedicationStatus.PRESCRIBED)
_ENDED = (MedicationStatus.STOPPED, MedicationStatus.REFUSED)


@dataclass(frozen=True)
class Therapy:
    """One drug in use: said (then `evidence`) or charted (then `reference`), or both."""

    drug: Medication
    prescribed: bool = False
    evidence: tuple[str, ...] = ()
    reference: str | None = None
    heard_as: str | None = None


def spoken(facts: Sequence[Fact]) -> tuple[Therapy, ...]:
    """Drugs said to be taken or prescribed, one entry for each drug, in order of mention."""
    found: dict[str, Therapy] = {}
    for fact in facts:
        drug = medication(fact.name) if _in_use(fact) else None
        if drug is None:
            continue
        earlier = found.get(drug.name)
        found[drug.name] = Therapy(
            drug,
            prescribed=fact.status is MedicationStatus.PRESCRIBED
            or (earlier is not None and earlier.prescribed),
            evidence=tuple(dict.fromkeys((*(earlier.evidence if earlier else ()), *fact.evidence))),
            heard_as=fact.heard_as if earlier is None else earlier.heard_as and fact.heard_as,
        )
    return tuple(found.values())


def in_use(facts: Sequence[Fact], chart: Chart) -> tuple[Therapy, ...]:
    """Spoken drugs, then charted ones that were neither spoken of nor said to be stopped."""
    said = spoken(facts)
    known = {each.drug.name for each in said} | _ended(facts)
    return (*said, *(each for each in charted(chart) if each.drug.name not in known))


def charted(chart: Chart) -> Iterator[Therapy]:
    """Drugs of the chart's medication list."""
    for entry in chart.medications:
        for found in find_exact(words(entry.text)):
            yield Therapy(found.value, reference=entry.reference)


def _in_use(fact: Fact) -> bool:
    return fact.kind is FactKind.MEDICATION and fact.asserted and fact.status in _IN_USE


def _ended(facts: Sequence[Fact]) -> set[str]:
    return {
        fact.name
        for fact in facts
        if fact.kind is FactKind.MEDICATION
        and fact.experiencer is Experiencer.PATIENT
        and fact.status in _ENDED
    }
