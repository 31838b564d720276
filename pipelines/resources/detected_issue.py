"""An alert. https://hl7.org/fhir/R4/detectedissue.html"""

from __future__ import annotations

from datetime import datetime

from fhir_server.clock import instant
from fhir_server.resource import Resource
from pipelines.resources.datatypes import PRODUCT, concept, reference, segments
from pipelines.resources.models import build

_MITIGATION = f"{PRODUCT}/CodeSystem/alert-answer"


def raised(
    id: str,
    *,
    patient: dict[str, str],
    author: dict[str, str],
    transcript: str | None,
    rule: str,
    severity: str,
    title: str,
    detail: str,
    evidence: tuple[str, ...],
    implicated: tuple[str, ...],
    at: datetime,
) -> Resource:
    """An open alert. `transcript` is the DocumentReference whose segments `evidence` names.

    Without one what is implicated is the evidence.
    """
    proof = [{"reference": transcript, "extension": segments(evidence)}] if transcript else []
    proof = proof or [{"reference": one} for one in implicated]
    return build(
        "DetectedIssue",
        id=id,
        status="preliminary",
        code={**concept(f"{PRODUCT}/CodeSystem/alert-rule", rule), "text": title},
        severity=severity,
        patient=patient,
        identifiedDateTime=instant(at),
        author=author,
        implicated=[reference(one) for one in implicated] or None,
        evidence=[{"detail": proof}],
        detail=detail,
    )


def acknowledged(
    issue: Resource, practitioner: dict[str, str], reason: str | None, at: datetime
) -> Resource:
    """The same alert once somebody has answered it."""
    action = {
        **concept(_MITIGATION, "acknowledged"),
        "text": reason or "Acknowledged",
    }
    answer = {"action": action, "date": instant(at), "author": practitioner}
    return {**issue, "status": "final", "mitigation": [*issue.get("mitigation", []), answer]}


def withdrawn(issue: Resource, why: str) -> Resource:
    """The same alert once what raised it was corrected."""
    return {**issue, "status": "cancelled", "detail": why}
