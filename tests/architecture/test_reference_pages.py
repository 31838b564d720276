"""Pages made from code are as the code would make them now."""

from __future__ import annotations

import re
from pathlib import Path

from aimed import settings_reference
from fhir_server import errors, errors_reference

ROOT = Path(__file__).resolve().parents[2]


def test_settings() -> None:
    assert (ROOT / settings_reference.PAGE).read_text("utf-8") == settings_reference.page()


def test_every_setting_says_what_it_means() -> None:
    assert "|  |" not in settings_reference.page()


def test_errors() -> None:
    assert (ROOT / errors_reference.PAGE).read_text("utf-8") == errors_reference.page()


def test_every_error_class_is_in_the_table() -> None:
    assert set(errors.ERRORS) == set(errors.FhirError.__subclasses__())


def test_readme_links_lead_somewhere() -> None:
    for page in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md")):
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text("utf-8")):
            assert (page.parent / target).exists(), (page.name, target)
