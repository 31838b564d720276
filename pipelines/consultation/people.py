"""Who a consultation is about and who leads it, as FHIR references."""

from __future__ import annotations

from fhir_server.resource import Resource
from pipelines.resources.datatypes import reference
from pipelines.store import ConsultationRecord


def patient_of(record: ConsultationRecord) -> dict[str, str]:
    """A Reference to the patient."""
    return reference(record.patient, record.patient_display)


def practitioner_of(record: ConsultationRecord) -> dict[str, str]:
    """A Reference to the practitioner who started the consultation."""
    return reference(record.practitioner, record.practitioner_display)


def display_of(patient: Resource) -> str:
    """The name to show for a Patient: the usual or official one, else the first, else its id."""
    names = patient.get("name") or []
    preferred = [name for name in names if name.get("use") in ("usual", "official")]
    for name in [*preferred, *names]:
        parts = [*name.get("given", []), name.get("family")]
        text = name.get("text") or " ".join(part for part in parts if part)
        if text:
            return str(text)
    return str(patient["id"])
