"""The note: drafted some moments after people speak, written only when it says something new."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from fhir_server.clock import Clock
from fhir_server.store import MongoStore, StoredResource, UnitOfWork
from pipelines.consultation import events
from pipelines.consultation.people import patient_of
from pipelines.consultation.services import Services
from pipelines.consultation.uninterrupted import uninterrupted
from pipelines.consultation.waiting import MESSAGES
from pipelines.engines.policy import NoEngine
from pipelines.engines.usage import Usage, Work
from pipelines.note.sections import SECTIONS
from pipelines.ports import Chart, NoteDraft, NoteDrafter, Segment
from pipelines.resources import composition, device
from pipelines.resources.composition import SectionText
from pipelines.resources.identity import derived_id
from pipelines.store import ConsultationStore, State

_log = structlog.get_logger("aimed.consultation")


@dataclass(frozen=True)
class NoteStore:
    """What writing a note needs."""

    store: MongoStore
    drafter: NoteDrafter
    clock: Clock


async def write_note(
    services: NoteStore, encounter: str, segments: Sequence[Segment], chart: Chart
) -> bool:
    """Draft from all segments and store the Composition. False when nothing changed.

    A note that somebody else has changed over FHIR meanwhile, or that is final, is left as it is,
    and an engine that has drafted from these very segments is not asked again. Raises `NoEngine`.
    """
    asked = {"by": services.drafter.name, "segments": len(segments)}
    record = await ConsultationStore(services.store.database).read(encounter)
    if record.drafted == asked:
        return False
    draft = await services.drafter.draft(segments, chart)
    await record_use(services, encounter, draft)
    if draft.empty:
        return False
    drafted = {**asked, "by": draft.engine or services.drafter.name}

    async def body(unit: UnitOfWork) -> bool:
        state = (await ConsultationStore(services.store.database).read(encounter, unit)).state
        if state in (State.FINISHED, State.SIGNED):
            # A draft that took long, or of a job given out twice: somebody may have signed it.
            return False
        return await store_note(unit, services, encounter, draft, drafted)

    storing = services.store.transact(body)
    return await uninterrupted(storing)


class NoteWriter:
    """Drafts in the background after `touch`, at most once per debounce interval.

    An engine that costs something names a longer interval of its own.
    """

    def __init__(self, services: Services, encounter: str) -> None:
        self._services = services
        self._store = NoteStore(services.store, services.drafter, services.clock)
        self._encounter = encounter
        self._segments: Sequence[Segment] = ()
        self._chart = Chart()
        self._touched = asyncio.Event()
        self._task = asyncio.create_task(self._run())

    def touch(self, segments: Sequence[Segment], chart: Chart) -> None:
        """Say that there is more to write about."""
        self._segments, self._chart = tuple(segments), chart
        self._touched.set()

    async def flush(self) -> None:
        """Stop drafting in the background and write the note from everything heard."""
        await self.aclose()
        if self._segments:
            await self._write()

    async def aclose(self) -> None:
        """Stop at once."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        debounce = self._services.settings.note_debounce_seconds
        while True:
            await self._touched.wait()
            await asyncio.sleep(debounce)
            self._touched.clear()
            await self._write()
            await asyncio.sleep(max(self._services.drafter.live_interval - debounce, 0))

    async def _write(self) -> None:
        try:
            await write_note(self._store, self._encounter, self._segments, self._chart)
        except NoEngine:
            data = events.error("no-note", MESSAGES[Work.NOTE])
            await self._services.bus.publish(self._encounter, events.ERROR, data)
        except Exception as error:
            # The next segment, or closing, drafts again from everything.
            _log.error("note failed", fault=type(error).__name__, encounter=self._encounter)
            data = events.error("note-failed", "The note could not be updated just now.")
            await self._services.bus.publish(self._encounter, events.ERROR, data)


async def record_use(services: NoteStore, encounter: str, draft: NoteDraft) -> None:
    """Add what a draft took to what the consultation has used."""
    engine = draft.engine or services.drafter.name
    used = draft.usage or (Usage(Work.NOTE, engine),)
    consultations = ConsultationStore(services.store.database)
    for usage in used:
        await uninterrupted(consultations.add_usage(encounter, usage))


def _sections(draft: NoteDraft) -> list[SectionText]:
    return [
        SectionText(section.code, section.title, tuple(draft.sections.get(section.code, ())))
        for section in SECTIONS
    ]


async def store_note(
    unit: UnitOfWork,
    services: NoteStore,
    encounter: str,
    draft: NoteDraft,
    drafted: dict[str, Any] | None = None,
) -> bool:
    """Store the Composition unless it says so already or somebody else has changed it.

    `drafted` says from what it was drafted.
    """
    sections = _sections(draft)
    consultations = ConsultationStore(services.store.database)
    record = await consultations.read(encounter, unit)
    id = derived_id(encounter, "note")
    current = await unit.find("Composition", id)
    known = record.note["version"] if record.note else None
    engine = draft.engine or services.drafter.name
    new = events.note(
        f"Composition/{id}",
        (known or 0) + 1,
        "preliminary",
        sections,
        left_out=draft.left_out,
        engine=engine,
    )
    if _foreign(current, known):
        return False
    await consultations.set(unit, encounter, drafted=drafted)
    if record.note and _same(record.note, new):
        return False
    note = composition.preliminary(
        id,
        encounter=encounter,
        patient=patient_of(record),
        author=device.link(engine),
        sections=sections,
        at=services.clock(),
        left_out=draft.left_out,
    )
    stored = await unit.put(note)
    payload = {**new, "version": stored.version}
    await consultations.set(unit, encounter, note=payload)
    await events.emit(unit, encounter, events.NOTE, payload)
    return True


def _same(known: events.Data, new: events.Data) -> bool:
    return (
        bool(known["sections"] == new["sections"]) and known.get("left_out", 0) == (new["left_out"])
    )


def _foreign(current: StoredResource | None, known: int | None) -> bool:
    return current is not None and (current.deleted or current.version != known)
