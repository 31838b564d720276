"""The patient's agreement to being recorded. https://hl7.org/fhir/R4/consent.html"""

from __future__ import annotations

from datetime import datetime

from fhir_server.clock import instant
from fhir_server.resource import Resource
from pipelines.resources.datatypes import PRODUCT, concept, reference
from pipelines.resources.models import build


def to_recording(
    id: str,
    *,
    encounter: str,
    patient: dict[str, str],
    practitioner: dict[str, str],
    given: datetime,
) -> Resource:
    """An active Consent to record and transcribe one visit, given to the practitioner."""
    return build(
        "Consent",
        id=id,
        status="active",
        scope=concept("http://terminology.hl7.org/CodeSystem/consentscope", "patient-privacy"),
        category=[
            concept(
                f"{PRODUCT}/CodeSystem/consent-category",
                "recording",
                "Recording and transcription of a consultation",
            )
        ],
        patient=patient,
        dateTime=instant(given),
        performer=[practitioner],
        policyRule={"text": "Verbal consent, confirmed by the practitioner before recording."},
        provision={
            "type": "permit",
            "data": [{"meaning": "instance", "reference": reference(f"Encounter/{encounter}")}],
        },
    )
