"""All rule families over the facts of a consultation."""

from __future__ import annotations

from collections.abc import Sequence

from pipelines.alerts import drug_allergy, drug_drug, duplicate_therapy, red_flags, vital_signs
from pipelines.alerts.model import Alert
from pipelines.facts.model import Fact
from pipelines.ports import Chart

_FAMILIES = (
    drug_allergy.evaluate,
    vital_signs.evaluate,
    red_flags.evaluate,
    drug_drug.evaluate,
    duplicate_therapy.evaluate,
)


def evaluate(facts: Sequence[Fact], chart: Chart) -> tuple[Alert, ...]:
    """Every alert the facts give rise to, one for each key, in a stable order.

    Pure: the same facts in the same order give equal alerts. More facts may add alerts or
    evidence; a key never changes its meaning.
    """
    found: dict[str, Alert] = {}
    for family in _FAMILIES:
        for alert in family(facts, chart):
            found.setdefault(alert.key, alert)
    return tuple(found.values())
