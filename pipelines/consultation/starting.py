"""Beginning a consultation: everything it needs, in one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fhir_server.auth.caller import Caller
from fhir_server.errors import InvalidResource, ResourceGone, ResourceNotFound
from fhir_server.resource import Resource
from fhir_server.store import UnitOfWork
from pipelines.consultation import events, results, visits
from pipelines.consultation.people import display_of, patient_of, practitioner_of
from pipelines.ports import AudioFormat
from pipelines.resources import consent, device, document_reference, encounter
from pipelines.resources.identity import derived_id
from pipelines.store import ConsultationRecord, ConsultationStore, State


@dataclass(frozen=True)
class Beginning:
    """What is asked for. `patient` is a literal reference, `consent` the patient's agreement."""

    patient: str
    consent: bool
    audio: AudioFormat
    reason: str | None = None


async def begin(
    unit: UnitOfWork,
    consultations: ConsultationStore,
    id: str,
    asked: Beginning,
    caller: Caller,
    *,
    engines: dict[str, str],
    at: datetime,
) -> ConsultationRecord:
    """Create Encounter, Consent, transcript and Devices, and the consultation's record.

    `engines` maps an engine's name to what it does. Raises `InvalidResource` without consent or
    without such a patient.
    """
    if asked.consent is not True:
        raise InvalidResource("Recording needs the patient's consent.", expression=("consent",))
    display = display_of(await _patient(unit, asked.patient))
    record = ConsultationRecord(
        encounter=id,
        patient=asked.patient,
        patient_display=display,
        practitioner=caller.reference,
        practitioner_display=caller.display,
        audio=asked.audio,
        state=State.CREATED,
        started=at,
        transcript=f"DocumentReference/{derived_id(id, 'transcript')}",
    )
    visit = await visits.visit_of(unit, consultations, asked.patient)
    for resource in _resources(record, asked.reason, list(engines)):
        if visit is not None and resource["resourceType"] == "Encounter":
            resource = {**resource, "partOf": {"reference": f"Encounter/{visit['id']}"}}
        await unit.create(resource)
    await _devices(unit, engines)
    await consultations.add(unit, record)
    await events.emit(unit, id, events.STARTED, events.started(asked.patient, asked.audio))
    await results.show_waiting(unit, consultations, id, asked.patient)
    return record


def _resources(
    record: ConsultationRecord, reason: str | None, engines: list[str]
) -> list[dict[str, Any]]:
    id, patient, practitioner = record.encounter, patient_of(record), practitioner_of(record)
    return [
        encounter.in_progress(
            id, patient=patient, practitioner=practitioner, started=record.started, reason=reason
        ),
        consent.to_recording(
            derived_id(id, "consent"),
            encounter=id,
            patient=patient,
            practitioner=practitioner,
            given=record.started,
        ),
        document_reference.transcript_started(
            record.transcript.partition("/")[2],
            encounter=id,
            patient=patient,
            author=[device.link(engines[0]), practitioner],
            at=record.started,
        ),
    ]


async def _devices(unit: UnitOfWork, engines: dict[str, str]) -> None:
    for name, purpose in engines.items():
        if await unit.find("Device", device.device_id(name)) is None:
            await unit.create(device.engine(name, purpose))


async def _patient(unit: UnitOfWork, literal: str) -> Resource:
    type, _, id = literal.partition("/")
    if type != "Patient" or not id:
        raise InvalidResource("Not a reference to a Patient.", expression=("patient",))
    try:
        return (await unit.read("Patient", id)).resource()
    except (ResourceNotFound, ResourceGone):
        raise InvalidResource("There is no such patient.", expression=("patient",)) from None
