"""The end of a recording: state first, then the rest of the transcription, then the closing job."""

from __future__ import annotations

from fhir_server.store import UnitOfWork
from pipelines.consultation import events
from pipelines.consultation.services import Services
from pipelines.consultation.session import LiveConsultation
from pipelines.store import State

CLOSE = "consultation.close"
"""The job that the worker does; its arguments are `{"encounter"}`."""

_INCOMPLETE = "Transcription broke off: the audio is complete, the transcript is not."


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
    """Transcribe the rest of the audio and order the closing."""
    await live.drain()
    await order_closing(services, live.encounter, _INCOMPLETE if live.incomplete else None)


async def order_closing(services: Services, encounter: str, message: str | None) -> None:
    """Leave the closing job for the worker. Ordering it twice is harmless."""

    async def body(unit: UnitOfWork) -> None:
        fields = {"drained": True, **({"message": message} if message else {})}
        await services.consultations.set(unit, encounter, **fields)
        await unit.emit("job", partition=encounter, type=CLOSE, data={"encounter": encounter})

    await services.store.transact(body)
