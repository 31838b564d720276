"""Vital signs outside the limits of `terminology/data/vital_signs.json`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from pipelines.alerts.model import Alert, Severity
from pipelines.facts.model import Fact, FactKind, Quantity
from pipelines.ports import Chart
from terminology.vital_signs import vital_sign_rules

_UNITS = {
    "mm[Hg]": "mmHg", "/min": "per minute", "%": "%", "Cel": "°C", "[degF]": "°F",
    "mg/dL": "mg/dL", "kg": "kg", "[lb_av]": "lb",
}  # fmt: skip


def evaluate(facts: Sequence[Fact], chart: Chart) -> Iterator[Alert]:
    """One alert for each rule, on the first reading that breaks it; later ones add evidence."""
    readings = [fact for fact in facts if fact.kind is FactKind.VITAL and fact.asserted]
    broken: set[str] = set()
    for rule in vital_sign_rules():
        hits = [fact for fact in readings if _breaks(rule, fact)]
        if hits and rule.get("unless") not in broken:
            broken.add(rule["id"])
            yield _alert(rule, hits)


def written(values: Sequence[Quantity]) -> str:
    """A reading as clinicians write it: "182/112 mmHg", "98.6 °F"."""
    numbers = "/".join(f"{value.value:g}" for value in values)
    unit = _UNITS.get(values[0].unit, values[0].unit)
    return f"{numbers}%" if unit == "%" else f"{numbers} {unit}"


def _breaks(rule: dict[str, Any], fact: Fact) -> bool:
    return fact.name == rule["vital"] and any(
        _outside(limit, value) for limit in rule["any"] for value in fact.values
    )


def _outside(limit: dict[str, Any], value: Quantity) -> bool:
    outside: bool = (
        limit["part"] == value.name
        and limit.get("unit", value.unit) == value.unit
        and value.value >= limit.get("min", value.value)
        and value.value <= limit.get("max", value.value)
        and value.value < limit.get("below", value.value + 1)
    )
    return outside


def _alert(rule: dict[str, Any], hits: Sequence[Fact]) -> Alert:
    reading = written(hits[0].values)
    return Alert(
        key=f"vital-sign:{rule['id']}",
        rule="vital-sign",
        severity=Severity(rule["severity"]),
        title=f"{rule['title']}: {reading}",
        detail=f"{hits[0].name.capitalize()} of {reading} was stated. {rule['advice']}",
        evidence=tuple(dict.fromkeys(each for fact in hits for each in fact.evidence)),
        implicated=(),
        source=rule["citation"],
    )
