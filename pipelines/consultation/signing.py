"""A person answers for the note: Composition final, label removed, Provenance, facts confirmed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from fhir_server.auth.caller import Caller
from fhir_server.errors import VersionConflict
from fhir_server.store import StoredResource, UnitOfWork
from pipelines.consultation import events
from pipelines.resources import composition, provenance
from pipelines.resources.datatypes import reference
from pipelines.resources.identity import derived_id
from pipelines.resources.observation import confirmed
from pipelines.store import ConsultationRecord, ConsultationStore, State


@dataclass(frozen=True)
class Signature:
    """The two literal references that signing leaves."""

    note: str
    provenance: str


async def sign(
    unit: UnitOfWork,
    consultations: ConsultationStore,
    encounter: str,
    caller: Caller,
    *,
    at: datetime,
) -> Signature:
    """Sign the note. Raises `VersionConflict` before `finished`, twice, or without a note."""
    record = await consultations.read(encounter, unit)
    _check(record)
    draft = await unit.read("Composition", derived_id(encounter, "note"))
    signer = reference(caller.reference, caller.display)
    resource = draft.resource()
    note = await unit.update(composition.signed(resource, signer, at))
    await _confirm(unit, record.proposals)
    proof = await unit.create(
        provenance.of_signature(
            derived_id(encounter, "signature"),
            targets=[note.reference],
            drafter=resource["author"][0],
            signer=signer,
            sources=[record.transcript],
            at=at,
        )
    )
    await _record(unit, consultations, record, note, caller)
    return Signature(note.reference, proof.reference)


def _check(record: ConsultationRecord) -> None:
    if record.state is State.SIGNED:
        raise VersionConflict("The note is signed already.")
    if record.state is not State.FINISHED:
        raise VersionConflict("The consultation is not finished yet.")
    if record.note is None:
        raise VersionConflict("The consultation has no note.")


async def _confirm(unit: UnitOfWork, proposals: tuple[str, ...]) -> None:
    for proposal in proposals:
        type, _, id = proposal.partition("/")
        stored = await unit.find(type, id)
        if stored is not None and not stored.deleted:
            await unit.update(confirmed(stored.resource()))


async def _record(
    unit: UnitOfWork,
    consultations: ConsultationStore,
    record: ConsultationRecord,
    note: StoredResource,
    caller: Caller,
) -> None:
    assert record.note is not None
    payload = {**record.note, "version": note.version, "status": "final"}
    await consultations.set(unit, record.encounter, note=payload)
    await consultations.move(unit, record.encounter, State.SIGNED, since={State.FINISHED})
    await events.emit(unit, record.encounter, events.NOTE, payload)
    data = events.signed(note.reference, caller.display)
    await events.emit(unit, record.encounter, events.SIGNED, data)
