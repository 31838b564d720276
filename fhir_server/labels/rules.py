"""Which codes make a resource sensitive: the table of data/sensitivity.json."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

from fhir_server.labels.lattice import ACT_CODE, CONFIDENTIALITY, Label
from fhir_server.resource import Resource


@dataclass(frozen=True)
class Rule:
    """Labels for every resource with one of the codes. `prefixes` are beginnings of codes."""

    labels: tuple[Label, ...]
    codes: frozenset[tuple[str, str]]
    prefixes: tuple[tuple[str, str], ...]


@cache
def rules() -> tuple[Rule, ...]:
    """Every rule of the table."""
    text = files("fhir_server.labels").joinpath("data", "sensitivity.json").read_text("utf-8")
    return tuple(_rule(row) for row in json.loads(text)["rules"])


def _rule(row: dict[str, Any]) -> Rule:
    level = [(CONFIDENTIALITY, row["confidentiality"])] if "confidentiality" in row else []
    listed = [(one["system"], code) for one in row["lists"] for code in one.get("codes", ())]
    starts = [(one["system"], code) for one in row["lists"] for code in one.get("prefixes", ())]
    labels = (*level, *((ACT_CODE, code) for code in row["sensitivity"]))
    return Rule(labels, frozenset(listed), tuple(starts))


@lru_cache(maxsize=8192)
def _of_code(system: str, code: str) -> tuple[Label, ...]:
    found = [
        label
        for rule in rules()
        if (system, code) in rule.codes
        or any(system == other and code.startswith(start) for other, start in rule.prefixes)
        for label in rule.labels
    ]
    return tuple(dict.fromkeys(found))


@cache
def _systems() -> frozenset[str]:
    return frozenset(system for rule in rules() for system, _ in (*rule.codes, *rule.prefixes))


def labels_by_rule(resource: Resource) -> tuple[Label, ...]:
    """The labels that the codes anywhere in a resource ask for, contained resources included."""
    found: dict[Label, None] = {}
    for system, code in _codings(resource):
        found.update(dict.fromkeys(_of_code(system, code)))
    return tuple(found)


def _codings(value: Any) -> Iterator[tuple[str, str]]:
    known = _systems()
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            system, code = one.get("system"), one.get("code")
            if isinstance(system, str) and isinstance(code, str) and system in known:
                yield system, code
            waiting += [member for member in one.values() if isinstance(member, dict | list)]
        else:
            waiting += [member for member in one if isinstance(member, dict | list)]
