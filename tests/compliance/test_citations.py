"""The pages about security and HIPAA name files and tests that exist; every control has both."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from aimed.settings_reference import page as settings_page
from tests.compliance.citations import ROOT, cited_in, fault

PAGES = ("docs/security.md", "docs/hipaa.md", "SECURITY.md")


@pytest.mark.parametrize("page", PAGES)
def test_what_is_cited_exists(page: str) -> None:
    assert [why for one in cited_in(ROOT / page) if (why := fault(one))] == []


@pytest.mark.parametrize(
    ("cited", "why"),
    [
        ("tests/compliance/test_citations.py::test_what_is_cited_exists", None),
        ("docs/architecture.md#outbox-and-events", None),
        ("tests/compliance/test_citations.py::test_nothing", "there is no test_nothing"),
        ("docs/none.md", "there is no docs/none.md"),
        ("docs/architecture.md#none", "there is no heading #none"),
    ],
)
def test_a_citation_of_nothing_is_found(cited: str, why: str | None) -> None:
    found = fault(cited)
    assert found is None if why is None else found is not None and found.startswith(why)


@pytest.mark.parametrize("page", ["docs/security.md", "docs/hipaa.md"])
def test_settings_that_are_named_exist(page: str) -> None:
    named = set(re.findall(r"`(AIMED_\w+?)(?:=[^`]*)?`", (ROOT / page).read_text("utf-8")))
    assert named
    known = settings_page()
    assert [one for one in named if f"`{one}`" not in known] == []


def test_every_control_names_its_file_and_its_test() -> None:
    lines = _table(ROOT / "docs/security.md", "## Controls")
    assert len(lines) > 15
    for line in lines:
        cited = re.findall(r"`([^`\s]+)`", line)
        assert any(one.startswith("tests/") and "::" in one for one in cited), line
        assert any("/" in one and not one.startswith("tests/") for one in cited), line


def test_the_proposal_is_called_one() -> None:
    text = (ROOT / "docs/hipaa.md").read_text("utf-8")
    assert "is not law" in text
    assert not re.search(r"\b(is|are|fully) HIPAA[- ](certified|compliant)\b", text)


def _table(page: Path, heading: str) -> list[str]:
    """The rows of the tables below a heading, without their heads."""
    _, _, rest = page.read_text("utf-8").partition(f"\n{heading}\n")
    part = re.split(r"\n## ", rest)[0]
    lines = [one for one in part.splitlines() if one.startswith("|")]
    return [one for one in lines if not re.fullmatch(r"[|\- ]+", one) and "`" in one]
