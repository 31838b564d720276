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
from pipelines.consultation.moving import MOVE
from pipelines.consultation.note_writing import NoteStore, write_note
from pipelines.consultation.origin import origins
from pipelines.consultation.people import patient_of, practitioner_of
from pipelines.consultation.recording import to_flac
from pipelines.engines.policy import NoEngine
from pipelines.ports import Chart, NoteDrafter, Segment
from pipelines.resources import device, document_reference, encounter
from pipelines.resources.binary import binary
from pipelines.resources.document_reference import Attached
from pipelines.resources.identity import derived_id
from pipelines.store import (
    AudioSpool,
    ConsultationRecord,
    ConsultationStore,
    Journal,
    State,
)

NO_SPEECH = "no speech captured"
NOTHING_TO_NOTE = "nothing that was said belongs in a note"
_FINISHED = "the consultation is written up"


@dataclass(frozen=True)
class _File:
    """One Binary to store, and how a document describes it."""

    attached: Attached
    content: bytes


async def close(
    id: str, *, store: MongoStore, drafter: NoteDrafter, clock: Clock, moving: bool = False
) -> bool:
    """Store audio and transcript, write the final note, finish the Encounter.

    `moving` orders the recording's move to the store's other home.

    False when there was nothing to do: closed already, or not transcribed to its end. Raises
    `NoEngine` when no drafter works; a consultation that is to be closed as it is does without.
    """
    consultations = ConsultationStore(store.database)
    record = await consultations.read(id)
    if record.state is not State.STOPPING or not record.drained:
        return False
    segments = await Journal(store.database).load(id)
    if segments:
        chart = await read_chart(store, record.patient, clock().date())
        await _write_note(NoteStore(store, drafter, clock), record, segments, chart)
    audio = await _audio(record, AudioSpool(store.database))
    transcript = _transcript(record, segments)
    now = clock()

    async def body(unit: UnitOfWork) -> bool:
        if not await consultations.move(unit, id, State.FINISHED, since={State.STOPPING}):
            return False
        current = await consultations.read(id, unit)
        await _store_audio(unit, current, audio, now)
        await _store_transcript(unit, current, transcript, segments, now)
        await _store_origin(unit, current, segments, now)
        visit = (await unit.read("Encounter", id)).resource()
        await unit.update(encounter.finished(visit, now))
        await _announce(unit, consultations, current, len(segments))
        if moving and audio is not None:
            await unit.emit("job", partition=id, type=MOVE, data={"encounter": id})
        return True

    return await store.transact(body)


async def _write_note(
    services: NoteStore, record: ConsultationRecord, segments: list[Segment], chart: Chart
) -> None:
    try:
        await write_note(services, record.encounter, segments, chart)
    except NoEngine:
        # Somebody has decided to wait no longer: `message` says what is missing.
        if record.message is None:
            raise


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


def _binary(document: str, file: _File) -> Resource:
    attached = file.attached
    return binary(attached.binary, attached.content_type, file.content, document)


async def _store_audio(
    unit: UnitOfWork, record: ConsultationRecord, file: _File | None, at: datetime
) -> None:
    if file is None:
        return
    id = derived_id(record.encounter, "audio")
    await unit.put(_binary(f"DocumentReference/{id}", file))
    document = document_reference.audio(
        id,
        encounter=record.encounter,
        patient=patient_of(record),
        author=[practitioner_of(record)],
        attached=file.attached,
        at=at,
    )
    await unit.put(document)


async def _store_transcript(
    unit: UnitOfWork,
    record: ConsultationRecord,
    files: list[_File],
    segments: list[Segment],
    at: datetime,
) -> None:
    for file in files:
        await unit.put(_binary(record.transcript, file))
    type, _, id = record.transcript.partition("/")
    preliminary = (await unit.read(type, id)).resource()
    attached = [file.attached for file in files]
    heard_by = list(dict.fromkeys(one.engine for one in segments if one.engine))
    author = [device.link(name) for name in heard_by] or preliminary["author"][:1]
    final = document_reference.transcript_final(
        preliminary, attached, [*author, practitioner_of(record)], at
    )
    await unit.update(final)


async def _store_origin(
    unit: UnitOfWork, record: ConsultationRecord, segments: list[Segment], at: datetime
) -> None:
    """Which engines made transcript and note, and what they used."""
    for id, origin in origins(record, segments, at).items():
        if await unit.find("Provenance", id) is None:
            await unit.create(origin)


async def _announce(
    unit: UnitOfWork, consultations: ConsultationStore, record: ConsultationRecord, segments: int
) -> None:
    note = record.note["composition"] if record.note else None
    written = _FINISHED if note else NOTHING_TO_NOTE
    message = record.message or (written if segments else NO_SPEECH)
    await consultations.set(unit, record.encounter, message=message, waiting=None)
    data = events.finished(message, segments, note, record.transcript)
    await events.emit(unit, record.encounter, events.FINISHED, data)
