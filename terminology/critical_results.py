"""Laboratory values that somebody has to be told of at once."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from terminology.dataset import dataset


@dataclass(frozen=True)
class Limit:
    """Values below `below` or above `above`, in one of `units`, are critical."""

    units: frozenset[str]
    below: Decimal | None
    above: Decimal | None


@dataclass(frozen=True)
class CriticalTest:
    """One test; `codes` are `system|code`, the severity one of DetectedIssue."""

    id: str
    name: str
    codes: frozenset[str]
    limits: tuple[Limit, ...]
    severity: str
    advice: str
    citation: str


@dataclass(frozen=True)
class CriticalResults:
    """The tests by code, and the laboratory's own marks as `system|code`."""

    tests: dict[str, CriticalTest]
    flags: frozenset[str]


@cache
def critical_results(site: Path | None = None) -> CriticalResults:
    """The table of this package, with what the file of a site changes.

    The file has the form of `data/critical_results.json`; a test of the same id takes the place of
    the one here. Raises `OSError`, and `ValueError` for a file that is not of that form.
    """
    rows = {one["id"]: one for one in dataset("critical_results")["tests"]}
    flags = dataset("critical_results")["flags"]
    if site is not None:
        own = json.loads(site.read_text("utf-8"))
        try:
            rows |= {one["id"]: {**rows.get(one["id"], {}), **one} for one in own.get("tests", ())}
            flags = own.get("flags", flags)
            return _table(rows, flags)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{site.name} is no table of critical results: {error}.") from None
    return _table(rows, flags)


def _table(rows: dict[str, Any], flags: dict[str, list[str]]) -> CriticalResults:
    tests = [_test(one) for one in rows.values()]
    return CriticalResults(
        tests={code: test for test in tests for code in test.codes},
        flags=frozenset(f"{system}|{code}" for system, codes in flags.items() for code in codes),
    )


def _test(row: dict[str, Any]) -> CriticalTest:
    return CriticalTest(
        id=row["id"],
        name=row["name"],
        codes=frozenset(row["codes"]),
        limits=tuple(_limit(one) for one in row["limits"]),
        severity=row.get("severity", "high"),
        advice=row["advice"],
        citation=row["citation"],
    )


def _limit(row: dict[str, Any]) -> Limit:
    return Limit(frozenset(row["units"]), _decimal(row.get("below")), _decimal(row.get("above")))


def _decimal(value: float | None) -> Decimal | None:
    return None if value is None else Decimal(str(value))
