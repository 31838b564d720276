"""The visit. https://hl7.org/fhir/R4/encounter.html"""

from __future__ import annotations

from datetime import datetime

from fhir_server.clock import instant
from fhir_server.resource import Resource
from pipelines.resources.datatypes import coding, concept, reference
from pipelines.resources.models import build

_PARTICIPATION = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"


def in_progress(
    id: str,
    *,
    patient: dict[str, str],
    practitioner: dict[str, str],
    started: datetime,
    reason: str | None,
) -> Resource:
    """The Encounter at the start of a recording."""
    return build(
        "Encounter",
        id=id,
        status="in-progress",
        class_=coding("http://terminology.hl7.org/CodeSystem/v3-ActCode", "AMB", "ambulatory"),
        subject=patient,
        participant=[
            {
                "type": [concept(_PARTICIPATION, "PPRF", "primary performer")],
                "individual": practitioner,
            }
        ],
        period={"start": instant(started)},
        reasonCode=[{"text": reason}] if reason else None,
    )


def finished(encounter: Resource, ended: datetime) -> Resource:
    """The same Encounter once the recording is closed."""
    period = {**(encounter.get("period") or {}), "end": instant(ended)}
    return {**encounter, "status": "finished", "period": period}


def link(id: str) -> dict[str, str]:
    """A Reference to an Encounter."""
    return reference(f"Encounter/{id}")
