"""What an alert is. The fields map onto DetectedIssue (http://hl7.org/fhir/R4/detectedissue.html)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """DetectedIssue.severity (http://hl7.org/fhir/R4/valueset-detectedissue-severity.html)."""

    HIGH = "high"
    MODERATE = "moderate"
    LOW = "low"


@dataclass(frozen=True)
class Alert:
    """One warning. The same `key` is the same warning however often the facts are evaluated.

    `evidence` holds segment ids (at least one, but for laboratory results, which are their own
    evidence), `implicated` references of the chart,
    `source` the publication the rule rests on.
    """

    key: str
    rule: str
    severity: Severity
    title: str
    detail: str
    evidence: tuple[str, ...]
    implicated: tuple[str, ...]
    source: str
