"""The note: drafted some moments after people speak, written only when it says something new."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from fhir_server.clock import Clock
from fhir_server.store import MongoStore, StoredResource, UnitOfWork
from pipelines.consultation import events
from pipelines.consultation.people import patient_of
from pipelines.consultation.services import Services
from pipelines.consultation.uninterrupted import uninterrupted
from pipelines.note.sections import SECTIONS
from pipelines.ports import Chart, NoteDraft, NoteDrafter, Segment
from pipelines.resources import composition, device
from pipelines.resources.composition import SectionText
from pipelines.resources.identity import derived_id
from pipelines.store import ConsultationStore

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

    A note that somebody else has changed over FHIR meanwhile is left as it is.
    """
    draft = await services.drafter.draft(segments, chart)
    if draft.empty:
        return False
    sections = _sections(draft)
    storing = services.store.transact(lambda unit: _store(unit, services, encounter, sections))
    return await uninterrupted(storing)


class NoteWriter:
    """Drafts in the background after `touch`, at most once per debounce interval."""

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
        while True:
            await self._touched.wait()
            await asyncio.sleep(self._services.settings.note_debounce_seconds)
            self._touched.clear()
            await self._write()

    async def _write(self) -> None:
        try:
            await write_note(self._store, self._encounter, self._segments, self._chart)
        except Exception as error:
            # The next segment, or closing, drafts again from everything.
            _log.error("note failed", fault=type(error).__name__, encounter=self._encounter)
            data = events.error("note-failed", "The note could not be updated just now.")
            await self._services.bus.publish(self._encounter, events.ERROR, data)


def _sections(draft: NoteDraft) -> list[SectionText]:
    return [
        SectionText(section.code, section.title, tuple(draft.sections.get(section.code, ())))
        for section in SECTIONS
    ]


async def _store(
    unit: UnitOfWork, services: NoteStore, encounter: str, sections: list[SectionText]
) -> bool:
    consultations = ConsultationStore(services.store.database)
    record = await consultations.read(encounter, unit)
    id = derived_id(encounter, "note")
    current = await unit.find("Composition", id)
    known = record.note["version"] if record.note else None
    new = events.note(f"Composition/{id}", (known or 0) + 1, "preliminary", sections)
    if _foreign(current, known) or (record.note and record.note["sections"] == new["sections"]):
        return False
    note = composition.preliminary(
        id,
        encounter=encounter,
        patient=patient_of(record),
        author=device.link(services.drafter.name),
        sections=sections,
        at=services.clock(),
    )
    stored = await unit.put(note)
    payload = {**new, "version": stored.version}
    await consultations.set(unit, encounter, note=payload)
    await events.emit(unit, encounter, events.NOTE, payload)
    return True


def _foreign(current: StoredResource | None, known: int | None) -> bool:
    return current is not None and (current.deleted or current.version != known)
