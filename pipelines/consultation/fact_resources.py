"""Facts as FHIR: vital signs and medications that were said, unconfirmed until the note is signed.

Ids follow from the fact, so the same fact heard twice is one resource.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from fhir_server.resource import Resource
from pipelines.consultation.people import patient_of
from pipelines.facts import Fact, FactKind, MedicationStatus
from pipelines.resources.datatypes import coding
from pipelines.resources.identity import derived_id
from pipelines.resources.medication_statement import medication_statement
from pipelines.resources.observation import Measured, Said, vital_sign
from pipelines.store import ConsultationRecord

_STATUS = {MedicationStatus.TAKING: "active", MedicationStatus.PRESCRIBED: "intended"}


def proposed(
    facts: Iterable[Fact], record: ConsultationRecord, at: datetime
) -> dict[str, Resource]:
    """The resources that `facts` propose, by literal reference."""
    found: dict[str, Resource] = {}
    for fact in facts:
        resource = _resource(fact, record, at) if fact.asserted else None
        if resource is not None:
            found.setdefault(f"{resource['resourceType']}/{resource['id']}", resource)
    return found


def _resource(fact: Fact, record: ConsultationRecord, at: datetime) -> Resource | None:
    said = Said(record.encounter, patient_of(record), record.transcript, fact.evidence, at)
    if fact.kind is FactKind.VITAL and fact.values:
        return _vital(fact, said)
    if fact.kind is FactKind.MEDICATION and fact.status in _STATUS:
        return _medication(fact, _STATUS[fact.status], said)
    return None


def _vital(fact: Fact, said: Said) -> Resource:
    measured = [Measured(one.name, Decimal(str(one.value)), one.unit) for one in fact.values]
    values = ",".join(f"{one.part}={one.value}" for one in measured)
    return vital_sign(
        derived_id(said.encounter, "vital", fact.name, fact.segment_id, values),
        code=fact.code,
        text=fact.name,
        measured=measured,
        said=said,
    )


def _medication(fact: Fact, status: str, said: Said) -> Resource:
    concept: dict[str, object] = {"text": fact.name}
    if fact.system and fact.code:
        concept["coding"] = [coding(fact.system, fact.code, fact.name)]
    return medication_statement(
        derived_id(said.encounter, "medication", fact.name, status),
        medication=concept,
        status=status,
        dosage=fact.detail,
        said=said,
    )
