"""Combinations of findings that need action at once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from terminology.dataset import dataset


@dataclass(frozen=True)
class RedFlag:
    """Fires when each of `groups` has a finding of the patient within `within` segments.

    `within` is None when one finding is enough. `distinct` asks for a different finding in each
    group.
    """

    id: str
    severity: str
    title: str
    groups: tuple[tuple[str, ...], ...]
    within: int | None
    distinct: bool
    advice: str
    citation: str


@cache
def red_flags() -> tuple[RedFlag, ...]:
    """All rules, in the order of the data file."""
    return tuple(
        RedFlag(
            id=rule["id"],
            severity=rule["severity"],
            title=rule["title"],
            groups=tuple(tuple(group) for group in rule["all"]),
            within=rule.get("within"),
            distinct=rule.get("distinct", False),
            advice=rule["advice"],
            citation=rule["citation"],
        )
        for rule in dataset("red_flags")["rules"]
    )
