"""A laboratory result beyond the critical limits, or marked critical by the laboratory itself.

Unlike the other families it looks at one Observation, which is the evidence: nothing was said.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from fhir_server.resource import Resource
from pipelines.alerts.model import Alert, Severity
from terminology.critical_results import CriticalResults, CriticalTest, Limit

RULE = "critical-result"
_VOID = frozenset({"cancelled", "entered-in-error", "registered", "unknown"})
_MARKED = "Marked as critical by the laboratory."


def evaluate(observation: Resource, table: CriticalResults) -> Alert | None:
    """The alert of a result, None when it is not critical or was taken back."""
    if observation.get("status") in _VOID:
        return None
    codes = _codes(observation.get("code", {}))
    test = next((table.tests[one] for one in codes if one in table.tests), None)
    quantity = observation.get("valueQuantity") or {}
    broken = _broken(test, quantity) if test is not None else None
    if broken is not None and test is not None:
        return _alert(observation, test.name, test, broken)
    marks = {one for each in observation.get("interpretation", ()) for one in _codes(each)}
    if marks & table.flags:
        return _alert(observation, _name(observation, test), test, _MARKED)
    return None


def key_of(observation: str) -> str:
    """The alert's key: one for each Observation, however often it is corrected."""
    return f"{RULE}:{observation}"


def _codes(concept: dict[str, Any]) -> list[str]:
    return [f"{one.get('system', '')}|{one.get('code', '')}" for one in concept.get("coding", ())]


def _broken(test: CriticalTest, quantity: dict[str, Any]) -> str | None:
    """Why the value is critical. Without a unit that the table knows nothing is said."""
    value = quantity.get("value")
    if value is None:
        return None
    number = Decimal(str(value))
    # `<2` is below 2 and says nothing of what is above it.
    comparator = quantity.get("comparator", "")
    for limit in test.limits:
        if limit.units & {quantity.get("code", ""), quantity.get("unit", "")}:
            return _side(limit, number, comparator)
    return None


def _side(limit: Limit, number: Decimal, comparator: str) -> str | None:
    low, high = limit.below, limit.above
    beneath = low is not None and (number < low or (comparator == "<" and number == low))
    beyond = high is not None and (number > high or (comparator == ">" and number == high))
    if beneath and ">" not in comparator:
        return f"Critical below {low}."
    if beyond and "<" not in comparator:
        return f"Critical above {high}."
    return None


def _alert(observation: Resource, name: str, test: CriticalTest | None, why: str) -> Alert:
    reference = f"Observation/{observation['id']}"
    said = written(observation)
    state = " The result is preliminary." if observation.get("status") == "preliminary" else ""
    advice = f" {test.advice}" if test is not None else ""
    return Alert(
        key=key_of(reference),
        rule=RULE,
        severity=Severity(test.severity) if test is not None else Severity.HIGH,
        title=f"Critical result: {name} {said}".rstrip(),
        detail=f"{name[:1].upper()}{name[1:]} {said}. {why}{state}{advice}".replace(" .", "."),
        evidence=(),
        implicated=(reference,),
        source=test.citation if test is not None else "The laboratory",
    )


def written(observation: Resource) -> str:
    """The value as the laboratory wrote it."""
    quantity = observation.get("valueQuantity")
    if quantity:
        value = f"{quantity.get('comparator', '')}{quantity.get('value', '')}"
        return f"{value} {quantity.get('unit') or quantity.get('code') or ''}".strip()
    concept = observation.get("valueCodeableConcept", {})
    coded = next((one.get("display", "") for one in concept.get("coding", ())), "")
    return str(observation.get("valueString") or concept.get("text") or coded)


def _name(observation: Resource, test: CriticalTest | None) -> str:
    if test is not None:
        return test.name
    code = observation.get("code", {})
    displays = [one.get("display", "") for one in code.get("coding", ())]
    return next((one for one in (code.get("text", ""), *displays) if one), "a result")
