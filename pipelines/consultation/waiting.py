"""A consultation that waits for an engine: its record says so, and so do its watchers."""

from __future__ import annotations

from fhir_server.store import UnitOfWork
from pipelines.consultation import events
from pipelines.consultation.services import Services
from pipelines.engines.usage import Work

MESSAGES = {
    Work.TRANSCRIPTION: "Speech recognition does not work just now. The sound is recorded and "
    "kept; transcript, alerts and note follow as soon as it works again.",
    Work.NOTE: "No engine can write the note just now. The transcript is kept; the note follows "
    "as soon as one works again.",
}


async def begin(services: Services, encounter: str, work: Work) -> None:
    """Say that `work` waits. Saying it twice tells nobody twice."""

    async def body(unit: UnitOfWork) -> None:
        record = await services.consultations.read(encounter, unit)
        if record.waiting == work:
            return
        await services.consultations.set(unit, encounter, waiting=str(work))
        await events.emit(unit, encounter, events.ERROR, events.error(f"no-{work}", MESSAGES[work]))

    await services.store.transact(body)


async def end(services: Services, encounter: str, work: Work) -> bool:
    """Say that `work` waits no more. False when it did not."""
    if (await services.consultations.read(encounter)).waiting != work:
        return False
    await services.store.transact(
        lambda unit: services.consultations.set(unit, encounter, waiting=None)
    )
    return True
