"""Red-flag combinations of findings: `terminology/data/red_flags.json`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

from pipelines.alerts.model import Alert, Severity
from pipelines.facts.model import Fact, FactKind
from pipelines.ports import Chart
from terminology.red_flags import RedFlag, red_flags

_KINDS = (FactKind.SYMPTOM, FactKind.FEATURE)
_MOST_PER_GROUP = 8
"""Bounds the combinations tried in a very long visit; the first findings are kept."""


def evaluate(facts: Sequence[Fact], chart: Chart) -> Iterator[Alert]:
    """One alert for each rule whose findings are all asserted, near enough to one another."""
    findings = [fact for fact in facts if fact.kind in _KINDS and fact.asserted]
    for rule in red_flags():
        match = _match(rule, findings)
        if match:
            yield _alert(rule, match)


def _match(rule: RedFlag, findings: Sequence[Fact]) -> tuple[Fact, ...] | None:
    """The first combination, so that the alert's text stays the same as more is said."""
    related = {name for group in rule.groups for name in group}
    relevant = [fact for fact in findings if _belongs(fact, related, findings)]
    groups = [[f for f in relevant if f.name in group][:_MOST_PER_GROUP] for group in rule.groups]
    for chosen in product(*groups):
        if _near(rule, chosen) and (
            not rule.distinct or len({fact.name for fact in chosen}) == len(chosen)
        ):
            return chosen
    return None


def _belongs(fact: Fact, related: set[str], findings: Sequence[Fact]) -> bool:
    """Whether a feature may qualify the rule's symptoms.

    It may not where its own segment speaks of other symptoms only: "my back hurts when I walk"
    says nothing of the chest.
    """
    if fact.kind is not FactKind.FEATURE:
        return True
    beside = {
        other.name
        for other in findings
        if other.segment_id == fact.segment_id and other.kind is FactKind.SYMPTOM
    }
    return not beside or not beside.isdisjoint(related)


def _near(rule: RedFlag, chosen: Sequence[Fact]) -> bool:
    places = [_place(fact) for fact in chosen]
    return rule.within is None or max(places) - min(places) <= rule.within


def _place(fact: Fact) -> int:
    """Segment ids count up: `s12` is the twelfth."""
    digits = fact.segment_id.lstrip("s")
    return int(digits) if digits.isascii() and digits.isdigit() else 0


def _alert(rule: RedFlag, chosen: Sequence[Fact]) -> Alert:
    names = list(dict.fromkeys(fact.name for fact in chosen))
    return Alert(
        key=f"red-flag:{rule.id}",
        rule="red-flag",
        severity=Severity(rule.severity),
        title=rule.title,
        detail=f"Stated in this visit: {'; '.join(names)}. {rule.advice}",
        evidence=tuple(dict.fromkeys(each for fact in chosen for each in fact.evidence)),
        implicated=(),
        source=rule.citation,
    )
