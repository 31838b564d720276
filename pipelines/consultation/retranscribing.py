"""A finished recording transcribed again by a second engine.

The journal gets the new segments beside the old ones, and the transcript's DocumentReference a new
version. Until the note is signed it is drafted anew and the new transcript is shown; a signed note
keeps the one that it points into.
"""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from fhir_server.errors import NotSupported, VersionConflict
from fhir_server.resource import Resource
from fhir_server.store import UnitOfWork
from pipelines.consultation import events, transcript_files
from pipelines.consultation.chart import read_chart
from pipelines.consultation.hearing import role_of
from pipelines.consultation.note_writing import NoteStore, record_use, store_note
from pipelines.consultation.people import practitioner_of
from pipelines.consultation.services import Services
from pipelines.engines.errors import EngineError, EngineLimit, EngineRejected
from pipelines.ports import AudioFormat, NoteDraft, RecordingTranscriber, Segment, TranscriptFinal
from pipelines.resources import device, document_reference, provenance
from pipelines.resources.binary import binary
from pipelines.resources.document_reference import Attached
from pipelines.resources.identity import derived_id
from pipelines.store import REVISION, ConsultationRecord, ConsultationStore, Journal, State

RETRANSCRIBE = "consultation.retranscribe"
"""The job that the worker does; its arguments are `{"encounter", "revision"}`."""

_CLOSED = {State.FINISHED, State.SIGNED}
_FAILED = "The recording could not be transcribed again; the transcript stays as it was."
_NOTHING = "The second engine heard nothing; the transcript stays as it was."
_SIGNED = "The note was signed already: it keeps its transcript, the new one is filed beside it."
_log = structlog.get_logger("aimed.consultation")


async def order(unit: UnitOfWork, services: Services, encounter: str) -> None:
    """Leave the job for the worker. Raises `NotSupported` and `VersionConflict`."""
    if services.second_engine is None:
        raise NotSupported("No engine for recordings is set up: AIMED_AWS__BATCH__BUCKET.")
    record = await services.consultations.read(encounter, unit)
    if record.state not in _CLOSED:
        raise VersionConflict("The consultation is not finished yet.")
    if record.revising:
        raise VersionConflict("The recording is being transcribed again already.")
    if await unit.find("Binary", _recording(encounter)) is None:
        raise VersionConflict("The consultation has no recording.")
    number = record.revisions + 1
    await services.consultations.set(unit, encounter, revisions=number, revising=True)
    data = {"encounter": encounter, "revision": number}
    await unit.emit("job", partition=encounter, type=RETRANSCRIBE, data=data)
    await events.emit(unit, encounter, events.REVISING, {})


async def retranscribe(
    encounter: str, number: int, *, services: NoteStore, engine: RecordingTranscriber
) -> bool:
    """One step of revision `number`: False while the engine is at work, then True.

    Raises what the store raises, and `EngineError` where another attempt may help.
    """
    store, job = services.store, f"aimed-{encounter}-{number}"
    record = await ConsultationStore(store.database).read(encounter)
    if not record.revising or record.revisions != number:
        return True
    recording = store.content(await store.read("Binary", _recording(encounter)))
    try:
        finals = await engine.transcribe(
            job, record.audio, lambda: recording.read(0, recording.length)
        )
    except (EngineRejected, EngineLimit) as error:
        _log.error("retranscription refused", encounter=encounter, problem=str(error))
        await abandon(encounter, number, services)
        return True
    if finals is None:
        return False
    segments = to_segments(finals, record.audio, number, engine.name)
    if segments:
        await _revise(record, number, segments, services, engine.name)
    else:
        await abandon(encounter, number, services, _NOTHING)
    await _forget(engine, job)
    return True


async def abandon(encounter: str, number: int, services: NoteStore, message: str = _FAILED) -> None:
    """Give revision `number` up and tell the watchers."""
    consultations = ConsultationStore(services.store.database)

    async def body(unit: UnitOfWork) -> None:
        record = await consultations.read(encounter, unit)
        if record.revising and record.revisions == number:
            await consultations.set(unit, encounter, revising=False)
            data = events.revised(record.revision, message)
            await events.emit(unit, encounter, events.REVISED, data)

    await services.store.transact(body)


def to_segments(
    finals: Sequence[TranscriptFinal], audio: AudioFormat, number: int, engine: str
) -> list[Segment]:
    """Segments `r1s1`, `r1s2`, ... by their beginning, with roles as in a live consultation."""
    made: list[Segment] = []
    for final in sorted(finals, key=lambda one: (one.start, one.channel)):
        text = final.text.strip()
        if text:
            role = role_of(audio, final.channel, text, made, final.speaker)
            made.append(
                Segment(
                    id=f"r{number}s{len(made) + 1}",
                    channel=final.channel,
                    role=role,
                    start=final.start,
                    end=final.end,
                    text=text,
                    confidence=final.confidence,
                    words=final.words,
                    speaker=final.speaker,
                    engine=engine,
                )
            )
    return made


async def _revise(
    record: ConsultationRecord,
    number: int,
    segments: list[Segment],
    services: NoteStore,
    engine: str,
) -> None:
    store, encounter = services.store, record.encounter
    chart = await read_chart(store, record.patient, services.clock().date())
    draft = await services.drafter.draft(segments, chart)
    await record_use(services, encounter, draft)
    consultations = ConsultationStore(store.database)

    async def body(unit: UnitOfWork) -> None:
        current = await consultations.read(encounter, unit)
        if not current.revising or current.revisions != number:
            return
        for place, segment in enumerate(segments, start=number * REVISION + 1):
            await Journal(store.database).add(unit, encounter, place, segment)
        await _file(unit, current, number, segments, services, engine)
        shown, message = current.revision, _SIGNED
        if current.state is State.FINISHED:
            shown, message = number, ""
            await _redraft(unit, services, encounter, draft)
        await consultations.set(unit, encounter, revising=False, revision=shown)
        data = events.revised(shown, message or None)
        await events.emit(unit, encounter, events.REVISED, data)

    await store.transact(body)


async def _redraft(unit: UnitOfWork, services: NoteStore, encounter: str, draft: NoteDraft) -> None:
    if not draft.empty:
        await store_note(unit, services, encounter, draft)


async def _file(
    unit: UnitOfWork,
    record: ConsultationRecord,
    number: int,
    segments: list[Segment],
    services: NoteStore,
    engine: str,
) -> None:
    """The new files, the transcript's new version, and who made it."""
    encounter, at = record.encounter, services.clock()
    files = [
        _attached(
            encounter,
            f"transcript-{number}.json",
            "application/json",
            transcript_files.to_json(encounter, segments),
        ),
        _attached(
            encounter, f"transcript-{number}.vtt", "text/vtt", transcript_files.to_webvtt(segments)
        ),
    ]
    for attached, content in files:
        made: Resource = binary(attached.binary, attached.content_type, content, record.transcript)
        await unit.put(made)
    if await unit.find("Device", device.device_id(engine)) is None:
        await unit.create(device.engine(engine, "Transcribes recordings again."))
    type, _, id = record.transcript.partition("/")
    author = [device.link(engine), practitioner_of(record)]
    current = (await unit.read(type, id)).resource()
    revised = document_reference.transcript_revised(
        current, [attached for attached, _ in files], author, at
    )
    stored = await unit.update(revised)
    await unit.create(
        provenance.of_transcript(
            derived_id(encounter, "transcript", str(number)),
            target=f"{stored.reference}/_history/{stored.version}",
            engine=device.link(engine),
            source=f"Binary/{_recording(encounter)}",
            at=at,
        )
    )


def _attached(
    encounter: str, title: str, content_type: str, content: bytes
) -> tuple[Attached, bytes]:
    return Attached.of(derived_id(encounter, title), content_type, title, content), content


def _recording(encounter: str) -> str:
    return derived_id(encounter, "audio.flac")


async def _forget(engine: RecordingTranscriber, job: str) -> None:
    try:
        await engine.forget(job)
    except EngineError as error:
        _log.warning("job left with the engine", job=job, problem=error.problem)
