"""A drug of this visit with another drug in use: `terminology/data/interactions.json`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from pipelines.alerts.model import Alert, Severity
from pipelines.alerts.therapy import Therapy, in_use
from pipelines.facts.model import Fact
from pipelines.ports import Chart
from terminology.interactions import Interaction, interaction


def evaluate(facts: Sequence[Fact], chart: Chart) -> Iterator[Alert]:
    """One alert for each interacting pair of which at least one drug is prescribed now.

    Pairs long in use raise nothing: about 90% of plain pair alerts are ignored (HL7 PDDI-CDS).
    """
    for one, other in combinations(in_use(facts, chart), 2):
        found = interaction(one.drug, other.drug)
        if found is not None and (one.prescribed or other.prescribed):
            yield _alert(one, other, found)


def _alert(one: Therapy, other: Therapy, found: Interaction) -> Alert:
    a, b = sorted((one.drug.name, other.drug.name))
    return Alert(
        key=f"drug-drug:{a}:{b}",
        rule="drug-drug",
        severity=Severity(found.severity),
        title=f"Interaction: {a} with {b}",
        detail=f"{a.capitalize()} together with {b} carries a risk of {found.risk}. "
        "Consider another drug or closer monitoring.",
        evidence=tuple(dict.fromkeys((*one.evidence, *other.evidence))),
        implicated=tuple(each.reference for each in (one, other) if each.reference),
        source=found.citation,
    )
