"""A drug given or taken against an allergy of the chart or of the conversation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pipelines.alerts.model import Alert, Severity
from pipelines.alerts.therapy import Therapy, spoken
from pipelines.facts.model import Fact, FactKind
from pipelines.ports import Chart
from terminology.allergens import Conflict, allergens_in, citation, conflict


@dataclass(frozen=True)
class _Allergy:
    name: str
    reaction: str | None = None
    evidence: tuple[str, ...] = ()
    implicated: tuple[str, ...] = ()


def evaluate(facts: Sequence[Fact], chart: Chart) -> Iterator[Alert]:
    """One alert for each conflicting pair of drug and allergy."""
    allergies = _allergies(facts, chart)
    for therapy in spoken(facts):
        for allergy in allergies:
            found = conflict(therapy.drug, allergy.name)
            if found is not None:
                yield _alert(therapy, allergy, found)


def _allergies(facts: Sequence[Fact], chart: Chart) -> tuple[_Allergy, ...]:
    found: dict[str, _Allergy] = {}
    for entry in chart.allergies:
        for name in allergens_in(entry.text):
            known = found.get(name, _Allergy(name))
            found[name] = _Allergy(name, implicated=(*known.implicated, entry.reference))
    for fact in facts:
        if fact.kind is FactKind.ALLERGY and fact.asserted:
            known = found.get(fact.name, _Allergy(fact.name))
            evidence = tuple(dict.fromkeys((*known.evidence, *fact.evidence)))
            reaction = known.reaction or fact.detail
            found[fact.name] = _Allergy(fact.name, reaction, evidence, known.implicated)
    return tuple(found.values())


def _alert(therapy: Therapy, allergy: _Allergy, found: Conflict) -> Alert:
    drug = therapy.drug.name
    act = "is being prescribed" if therapy.prescribed else "is being taken"
    where = "recorded in the chart" if allergy.implicated else "stated in this visit"
    reaction = f" (reaction: {allergy.reaction})" if allergy.reaction else ""
    heard = f' The drug was heard as "{therapy.heard_as}".' if therapy.heard_as else ""
    detail = (
        f"{drug.capitalize()} {act}, and an allergy to {allergy.name}{reaction} is {where}: "
        f"{found.reason}. Confirm the allergy and consider another drug.{heard}"
    )
    return Alert(
        key=f"drug-allergy:{drug}:{allergy.name}",
        rule="drug-allergy",
        severity=Severity(found.severity),
        title=f"Allergy to {allergy.name}: {drug}",
        detail=detail,
        evidence=tuple(dict.fromkeys((*therapy.evidence, *allergy.evidence))),
        implicated=allergy.implicated,
        source=citation(),
    )
