"""What the worker does once a consultation is transcribed to its end.

Everything is stored under ids that follow from the encounter and in one transaction with the
record's state, so the job may run twice, or be killed half-way and run again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from fhir_server.clock import Clock
from fhir_server.resource import Resource
from fhir_server.store import MongoStore, UnitOfWork
from pipelines.consultation import events, transcript_files
from pipelines.consultation.chart import read_chart
from pipelines.consultation.note_writing import NoteStore, write_note
from pipelines.consultation.people import patient_of, practitioner_of
from pipelines.consultation.recording import to_flac
from pipelines.ports import NoteDrafter, Segment
from pipelines.resources import document_reference, encounter
from pipelines.resources.binary import binary
from pipelines.resources.document_reference import Attached
from pipelines.resources.identity import derived_id
from pipelines.store import AudioSpool, ConsultationRecord, ConsultationStore, Journal, State

NO_SPEECH = "no speech captured"
NOTHING_TO_NOTE = "nothing that was said belongs in a note"
_FINISHED = "the consultation is written up"


@dataclass(frozen=True)
class _File:
    """One Binary to store, and how a document describes it."""

    attached: Attached
    content: bytes


async def close(id: str, *, store: MongoStore, drafter: NoteDrafter, clock: Clock) -> bool:
    """Store audio and transcript, write the final note, finish the Encounter.

    False when there was nothing to do: closed already, or not transcribed to its end.
    """
    consultations = ConsultationStore(store.database)
    record = await consultations.read(id)
    if record.state is not State.STOPPING or not record.drained:
        return False
    segments = await Journal(store.database).load(id)
    if segments:
        chart = await read_chart(store, record.patient, clock().date())
        await write_note(NoteStore(store, drafter, clock), id, segments, chart)
    audio = await _audio(record, AudioSpool(store.database))
    transcript = _transcript(record, segments)
    now = clock()

    async def body(unit: UnitOfWork) -> bool:
        if not await consultations.move(unit, id, State.FINISHED, since={State.STOPPING}):
            return False
        current = await consultations.read(id, unit)
        await _store_audio(unit, current, audio, now)
        await _store_transcript(unit, current, transcript, now)
        visit = (await unit.read("Encounter", id)).resource()
        await unit.update(encounter.finished(visit, now))
        await _announce(unit, consultations, current, len(segments))
        return True

    return await store.transact(body)


async def _audio(record: ConsultationRecord, spool: AudioSpool) -> _File | None:
    if await spool.next_frame(record.encounter) == 0:
        return None
    content = await to_flac(spool.read(record.encounter), record.audio)
    return _file(record, "audio.flac", "audio/flac", content)


def _transcript(record: ConsultationRecord, segments: list[Segment]) -> list[_File]:
    as_json = transcript_files.to_json(record.encounter, segments)
    as_vtt = transcript_files.to_webvtt(segments)
    return [
        _file(record, "transcript.json", "application/json", as_json),
        _file(record, "transcript.vtt", "text/vtt", as_vtt),
    ]


def _file(record: ConsultationRecord, title: str, content_type: str, content: bytes) -> _File:
    id = derived_id(record.encounter, title)
    return _File(Attached.of(id, content_type, title, content), content)


def _binary(record: ConsultationRecord, file: _File) -> Resource:
    attached = file.attached
    return binary(attached.binary, attached.content_type, file.content, record.patient)


async def _store_audio(
    unit: UnitOfWork, record: ConsultationRecord, file: _File | None, at: datetime
) -> None:
    if file is None:
        return
    await unit.put(_binary(record, file))
    document = document_reference.audio(
        derived_id(record.encounter, "audio"),
        encounter=record.encounter,
        patient=patient_of(record),
        author=[practitioner_of(record)],
        attached=file.attached,
        at=at,
    )
    await unit.put(document)


async def _store_transcript(
    unit: UnitOfWork, record: ConsultationRecord, files: list[_File], at: datetime
) -> None:
    for file in files:
        await unit.put(_binary(record, file))
    type, _, id = record.transcript.partition("/")
    preliminary = (await unit.read(type, id)).resource()
    attached = [file.attached for file in files]
    await unit.update(document_reference.transcript_final(preliminary, attached, at))


async def _announce(
    unit: UnitOfWork, consultations: ConsultationStore, record: ConsultationRecord, segments: int
) -> None:
    note = record.note["composition"] if record.note else None
    written = _FINISHED if note else NOTHING_TO_NOTE
    message = record.message or (written if segments else NO_SPEECH)
    await consultations.set(unit, record.encounter, message=message)
    data = events.finished(message, segments, note, record.transcript)
    await events.emit(unit, record.encounter, events.FINISHED, data)
