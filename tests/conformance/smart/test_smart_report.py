"""Every requirement has a test or a reason, and the reasons hold."""

from __future__ import annotations

import httpx2

from tests.conformance.smart.report import figure, page
from tests.conformance.smart.requirements import marked, requirements


def test_every_row_has_a_test_or_a_reason() -> None:
    rows, tests = requirements(), marked()
    without = [row.number for row in rows if not row.not_applicable and row.number not in tests]
    assert not without, "requirements without a test or a reason"
    both = [row.number for row in rows if row.not_applicable and row.number in tests]
    assert not both, "requirements with a test and a reason to have none"


def test_every_mark_names_a_row() -> None:
    assert marked().keys() <= {row.number for row in requirements()}


def test_the_rows_are_those_of_the_guide() -> None:
    rows = requirements()
    verbs = [row.verb for row in rows]
    assert (verbs.count("SHALL"), verbs.count("SHALL NOT"), len(rows)) == (167, 5, 172)
    assert [row.number for row in rows] == sorted({row.number for row in rows})


def test_the_report() -> None:
    rows, tests = requirements(), marked()
    assert figure(rows, tests) == "server SHALL 153/172 (19 not applicable)"
    text = page(rows, tests)
    assert all(f"| [{row.number}](" in text for row in rows)


async def test_what_does_not_apply_is_not_stated(browser: httpx2.AsyncClient) -> None:
    stated = (await browser.get("/fhir/.well-known/smart-configuration")).json()
    assert not [name for name in stated if name.startswith("user_access_brand")]
    assert "smart-app-state" not in stated["capabilities"]
