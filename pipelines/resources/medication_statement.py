"""A medication that was talked about. https://hl7.org/fhir/R4/medicationstatement.html"""

from __future__ import annotations

from typing import Any

from fhir_server.clock import instant
from fhir_server.resource import Resource
from pipelines.resources.datatypes import AIAST, reference
from pipelines.resources.models import build
from pipelines.resources.observation import Said


def medication_statement(
    id: str,
    *,
    medication: dict[str, Any],
    status: str,
    dosage: str | None,
    said: Said,
) -> Resource:
    """An unconfirmed statement; `status` is `active` (taken) or `intended` (prescribed)."""
    return build(
        "MedicationStatement",
        id=id,
        meta={"security": [AIAST]},
        status=status,
        medicationCodeableConcept=medication,
        subject=said.patient,
        context=reference(f"Encounter/{said.encounter}"),
        dateAsserted=instant(said.at),
        derivedFrom=[said.proof],
        dosage=[{"text": dosage}] if dosage else None,
    )
