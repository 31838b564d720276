"""All consultations of this process: what routes and sockets call."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import Any

import structlog

from fhir_server.auth.caller import Caller
from fhir_server.clock import Clock, Ids
from fhir_server.errors import InvalidParameter, VersionConflict
from fhir_server.store import MongoStore, UnitOfWork
from pipelines.consultation import events, retranscribing, signing, snapshot, starting, stopping
from pipelines.consultation.acknowledging import acknowledge
from pipelines.consultation.engines import engines
from pipelines.consultation.microphone import Microphone
from pipelines.consultation.services import Services
from pipelines.consultation.session import LiveConsultation
from pipelines.engines.fallback_drafter import FallbackDrafter
from pipelines.engines.fallback_transcriber import FallbackTranscriber
from pipelines.engines.meter import Meter
from pipelines.ports import AudioFormat, EventBus
from pipelines.settings import ConsultationSettings
from pipelines.store import ConsultationRecord, State, prepare

_log = structlog.get_logger("aimed.consultation")
_OPEN = {State.CREATED, State.RECORDING}


class Consultations:
    """Starts, records, stops and signs. `prepare` and `recover` first, `aclose` last."""

    def __init__(
        self,
        store: MongoStore,
        *,
        transcriber: FallbackTranscriber,
        drafter: FallbackDrafter,
        bus: EventBus,
        clock: Clock,
        ids: Ids,
        settings: ConsultationSettings,
        meter: Meter,
        second_engine: str | None = None,
    ) -> None:
        self.bus = bus
        self._services = Services(
            store, transcriber, drafter, bus, clock, ids, settings, meter, second_engine
        )
        self._live: dict[str, LiveConsultation] = {}
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._background: dict[str, asyncio.Task[None]] = {}
        self._idle: dict[str, asyncio.Task[None]] = {}

    async def prepare(self) -> None:
        """Create collections and indexes; does nothing where they exist."""
        await prepare(self._services.store.database)

    async def recover(self) -> None:
        """Go on with the stopping that an earlier process did not finish.

        Consultations that were recording continue when their microphone returns; those that wait
        for an engine are the worker's.
        """
        for record in await self._services.consultations.in_state(State.STOPPING):
            if record.waiting is None:
                self._finish_in_background(record)
            else:
                await stopping.order_finishing(self._services.store, record.encounter)

    async def start(self, asked: starting.Beginning, caller: Caller) -> str:
        """Begin a consultation and return the Encounter's id. Raises `InvalidResource`."""
        services, id = self._services, self._services.ids()
        at = services.clock()

        async def body(unit: UnitOfWork) -> ConsultationRecord:
            return await starting.begin(
                unit, services.consultations, id, asked, caller, engines=engines(services), at=at
            )

        await services.store.transact(body)
        return id

    @property
    def clock(self) -> Clock:
        """The clock of everything here."""
        return self._services.clock

    async def find(self, encounter: str) -> ConsultationRecord:
        """The record. Raises `ResourceNotFound`."""
        return await self._services.consultations.read(encounter)

    async def with_alert(self, id: str) -> ConsultationRecord:
        """The record of the consultation that raised an alert. Raises `ResourceNotFound`."""
        return await self._services.consultations.with_alert(id)

    async def snapshot(self, encounter: str) -> dict[str, Any]:
        """The snapshot of docs/architecture.md. Raises `ResourceNotFound`."""
        return await snapshot.snapshot(self._services, encounter)

    async def microphone(self, encounter: str, audio: AudioFormat) -> Microphone:
        """Attach a microphone; one that was attached is told `taken-over`.

        Raises `ResourceNotFound`, `VersionConflict` once stopped, and `InvalidParameter` when the
        format is not the one that recording began with.
        """
        async with self._locks[encounter]:
            record = await self.find(encounter)
            if record.state not in _OPEN:
                raise VersionConflict("This consultation records no more.")
            live = await self._open(record, audio)
            self._stay(encounter)
            await self._begin_recording(encounter)
            return live.attach()

    async def release(self, encounter: str, microphone: Microphone) -> None:
        """The microphone's connection is gone. The consultation goes on without it."""
        async with self._locks[encounter]:
            live = self._live.get(encounter)
            if live is None or live.microphone is not microphone:
                return
            live.microphone = None
            if (await self.find(encounter)).state is not State.RECORDING:
                return
            await self._emit(encounter, events.INTERRUPTED)
            self._idle[encounter] = asyncio.create_task(self._suspend_later(encounter))

    async def stop(self, encounter: str) -> None:
        """End the recording; returns when all its audio is durable. Repeating it is harmless.

        Raises `ResourceNotFound`.
        """
        # Shielded: half a stop, because its request was cancelled, would record for ever.
        await asyncio.shield(self._stop(encounter))

    async def sign(self, encounter: str, caller: Caller) -> signing.Signature:
        """Sign the note. Raises `ResourceNotFound` and `VersionConflict`."""
        services, at = self._services, self._services.clock()
        return await services.store.transact(
            lambda unit: signing.sign(unit, services.consultations, encounter, caller, at=at)
        )

    async def retranscribe(self, encounter: str) -> None:
        """Order a new transcript of the recording from the second engine.

        Raises `ResourceNotFound`, `NotSupported` without such an engine, and `VersionConflict`
        before `finished`, without a recording, and while one is on its way.
        """
        services = self._services
        await services.store.transact(lambda unit: retranscribing.order(unit, services, encounter))

    async def acknowledge(self, alert: str, caller: Caller, reason: str | None) -> dict[str, Any]:
        """Answer an alert and return it. Raises `ResourceNotFound`."""
        services, at = self._services, self._services.clock()
        return await services.store.transact(
            lambda unit: acknowledge(unit, services.consultations, alert, caller, reason, at=at)
        )

    async def aclose(self) -> None:
        """Stop everything at once; what is durable continues in the next process."""
        tasks = [*self._background.values(), *self._idle.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*(live.aclose() for live in self._live.values()))
        self._live.clear()

    async def _stop(self, encounter: str) -> None:
        async with self._locks[encounter]:
            record = await self.find(encounter)
            if record.state not in _OPEN:
                return
            live = await self._open(record, record.audio)
            self._stay(encounter)
            await live.finish_audio()
            await stopping.mark_stopping(self._services, encounter)
            self._finish_in_background(record)
            if live.microphone is not None:
                live.microphone.end("stopped")

    async def _open(self, record: ConsultationRecord, audio: AudioFormat) -> LiveConsultation:
        live = self._live.get(record.encounter)
        if live is not None and (live.broken or live.audio != audio):
            await live.aclose()
            del self._live[record.encounter]
            live = None
        if live is None:
            await self._agree(record, audio)
            live = await LiveConsultation.open(self._services, record.encounter, audio)
            self._live[record.encounter] = live
        return live

    async def _agree(self, record: ConsultationRecord, audio: AudioFormat) -> None:
        if audio == record.audio:
            return
        services = self._services
        if await services.spool.next_frame(record.encounter) > 0:
            raise InvalidParameter("Channels and roles stay as they were when recording began.")
        await services.store.transact(
            lambda unit: services.consultations.set_audio(unit, record.encounter, audio)
        )

    async def _begin_recording(self, encounter: str) -> None:
        services = self._services

        async def body(unit: UnitOfWork) -> None:
            await services.consultations.move(unit, encounter, State.RECORDING, since=_OPEN)
            await events.emit(unit, encounter, events.RECORDING, {})

        await services.store.transact(body)

    async def _emit(self, encounter: str, type: str) -> None:
        await self._services.store.transact(lambda unit: events.emit(unit, encounter, type, {}))

    def _finish_in_background(self, record: ConsultationRecord) -> None:
        if record.encounter not in self._background:
            task = asyncio.create_task(self._finish(record))
            self._background[record.encounter] = task

    async def _finish(self, record: ConsultationRecord) -> None:
        wait = self._services.settings.retry_seconds
        while True:
            try:
                await self._drain(record)
                break
            except Exception as error:
                # The store or the bus is away: what is durable is transcribed when it is back.
                _log.error(
                    "stopping failed", fault=type(error).__name__, encounter=record.encounter
                )
                await asyncio.sleep(wait)
                wait = min(wait * 2, 60.0)
        del self._background[record.encounter]

    async def _drain(self, record: ConsultationRecord) -> None:
        if record.drained:
            await stopping.order_closing(self._services.store, record.encounter, None)
            return
        live = self._live.get(record.encounter)
        if live is None or live.broken:
            live = await LiveConsultation.open(self._services, record.encounter, record.audio)
            self._live[record.encounter] = live
            await live.finish_audio()
        await stopping.drain(self._services, live)
        del self._live[record.encounter]
        await live.aclose()

    def _stay(self, encounter: str) -> None:
        idle = self._idle.pop(encounter, None)
        if idle is not None:
            idle.cancel()

    async def _suspend_later(self, encounter: str) -> None:
        await asyncio.sleep(self._services.settings.idle_seconds)
        async with self._locks[encounter]:
            self._idle.pop(encounter, None)
            live = self._live.get(encounter)
            if live is not None and live.microphone is None:
                del self._live[encounter]
                await live.aclose()
