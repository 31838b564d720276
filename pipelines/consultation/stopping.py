"""The end of a recording: state first, then the rest of the transcription, then the closing job."""

from __future__ import annotations

from fhir_server.store import MongoStore, UnitOfWork
from pipelines.consultation import events, waiting
from pipelines.consultation.services import Services
from pipelines.consultation.session import LiveConsultation
from pipelines.engines.policy import NoEngine
from pipelines.engines.usage import Work
from pipelines.store import ConsultationStore, State

CLOSE = "consultation.close"
"""The job that the worker does; its arguments are `{"encounter"}`."""

FINISH = "consultation.finish"
"""The job that does what no engine could do so far, then closes; the same arguments."""

_INCOMPLETE = "Transcription broke off: the audio is complete, the transcript is not."
_WITHOUT_NOTE = "No engine could write the note."


async def mark_stopping(services: Services, encounter: str) -> bool:
    """Move to `stopping` and tell the watchers. False when it was there or further already."""

    async def body(unit: UnitOfWork) -> bool:
        moved = await services.consultations.move(
            unit, encounter, State.STOPPING, since={State.CREATED, State.RECORDING}
        )
        if moved:
            await events.emit(unit, encounter, events.STOPPING, {})
        return moved

    return await services.store.transact(body)


async def drain(services: Services, live: LiveConsultation) -> None:
    """Transcribe the rest of the audio and order the closing; without an engine order a job."""
    try:
        await live.drain()
    except NoEngine:
        await waiting.begin(services, live.encounter, Work.TRANSCRIPTION)
        await order_finishing(services.store, live.encounter)
        return
    await order_closing(services.store, live.encounter, None)


async def order_finishing(store: MongoStore, encounter: str) -> None:
    """Leave the work for the worker, until an engine works. Ordering it twice is harmless."""

    async def body(unit: UnitOfWork) -> None:
        await unit.emit("job", partition=encounter, type=FINISH, data={"encounter": encounter})

    await store.transact(body)


async def close_as_it_is(store: MongoStore, encounter: str) -> bool:
    """Wait for no engine any more: close with the transcript there is. False if it did not wait."""
    record = await ConsultationStore(store.database).read(encounter)
    if record.state is not State.STOPPING or record.waiting is None:
        return False
    message = _INCOMPLETE if record.waiting == Work.TRANSCRIPTION else _WITHOUT_NOTE
    await order_closing(store, encounter, message)
    return True


async def order_closing(store: MongoStore, encounter: str, message: str | None) -> None:
    """Leave the closing job for the worker. Ordering it twice is harmless."""

    async def body(unit: UnitOfWork) -> None:
        fields = {"drained": True, **({"message": message} if message else {})}
        await ConsultationStore(store.database).set(unit, encounter, **fields)
        await unit.emit("job", partition=encounter, type=CLOSE, data={"encounter": encounter})

    await store.transact(body)
