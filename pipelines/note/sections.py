"""Sections of the note by LOINC code (http://hl7.org/fhir/R4/composition.html, section.code).

This material contains content from LOINC (http://loinc.org), copyright Regenstrief Institute,
available at no cost under the licence at http://loinc.org/license.
"""

from __future__ import annotations

from dataclasses import dataclass

SYSTEM = "http://loinc.org"


@dataclass(frozen=True)
class Section:
    """One heading of the note."""

    code: str
    title: str


SUBJECTIVE = Section("61150-9", "Subjective")
OBJECTIVE = Section("61149-1", "Objective")
ASSESSMENT = Section("51848-0", "Assessment")
PLAN = Section("18776-5", "Plan")
SECTIONS = (SUBJECTIVE, OBJECTIVE, ASSESSMENT, PLAN)
