"""A prescription of a class of which the patient already takes another member."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from pipelines.alerts.model import Alert, Severity
from pipelines.alerts.therapy import in_use
from pipelines.facts.model import Fact
from pipelines.ports import Chart
from terminology.interactions import duplicated_class


def evaluate(facts: Sequence[Fact], chart: Chart) -> Iterator[Alert]:
    """One alert for each pair of one class of which at least one drug is prescribed now."""
    for one, other in combinations(in_use(facts, chart), 2):
        shared = duplicated_class(one.drug, other.drug)
        if shared is None or not (one.prescribed or other.prescribed):
            continue
        a, b = sorted((one.drug.name, other.drug.name))
        yield Alert(
            key=f"duplicate-therapy:{a}:{b}",
            rule="duplicate-therapy",
            severity=Severity.MODERATE,
            title=f"Same class twice: {a} and {b}",
            detail=f"{a.capitalize()} and {b} belong to one class ({shared.replace('-', ' ')}). "
            "Consider whether both are meant, or one replaces the other.",
            evidence=tuple(dict.fromkeys((*one.evidence, *other.evidence))),
            implicated=tuple(each.reference for each in (one, other) if each.reference),
            source="Class labels of FDA prescribing information (DailyMed)",
        )
