"""What the worker does for a consultation that waits for an engine: transcribe, then close.

It may be killed at any moment and run again: each segment is durable with all that follows from
it, and a claim that runs out keeps two workers from hearing the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

import structlog

from pipelines.consultation import waiting
from pipelines.consultation.closing import close
from pipelines.consultation.services import Services
from pipelines.consultation.transcribing import Source, Transcribing
from pipelines.engines.policy import NoEngine
from pipelines.engines.usage import Work
from pipelines.store import ConsultationRecord, State

CLAIM_SECONDS = 60.0
_log = structlog.get_logger("aimed.consultation")


class Claimed(Exception):
    """Another worker is at it."""


async def finish(services: Services, encounter: str, *, moving: bool = False) -> bool:
    """Do what is left to do. False when nothing was.

    Raises `NoEngine` when no engine works yet and `Claimed` when another worker is at it.
    """
    record = await services.consultations.read(encounter)
    if record.state is not State.STOPPING:
        return False
    async with _claimed(services, encounter):
        if not record.drained:
            await _transcribe(services, record)
        return await close_or_wait(services, encounter, moving=moving)


async def close_or_wait(services: Services, encounter: str, *, moving: bool = False) -> bool:
    """Close. Raises `NoEngine` after saying that the note waits."""
    try:
        return await close(
            encounter,
            store=services.store,
            drafter=services.drafter,
            clock=services.clock,
            moving=moving,
        )
    except NoEngine:
        await waiting.begin(services, encounter, Work.NOTE)
        raise


async def _transcribe(services: Services, record: ConsultationRecord) -> None:
    ending = asyncio.Event()
    ending.set()

    def follow(from_byte: int) -> AsyncIterator[bytes]:
        return services.spool.read(record.encounter, from_byte)

    source = Source(record.audio, follow, ending)
    await Transcribing(services, record.encounter, source).run()
    await services.store.transact(
        lambda unit: services.consultations.set(unit, record.encounter, drained=True, waiting=None)
    )


@asynccontextmanager
async def _claimed(services: Services, encounter: str) -> AsyncIterator[None]:
    owner = services.ids()
    if not await _claim(services, encounter, owner):
        raise Claimed
    keeping = asyncio.create_task(_keep(services, encounter, owner))
    try:
        yield
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
        # Left alone it runs out by itself.
        with suppress(Exception):
            await services.consultations.release(encounter, owner)


async def _claim(services: Services, encounter: str, owner: str) -> bool:
    now = services.clock()
    until = now + timedelta(seconds=CLAIM_SECONDS)
    return await services.consultations.claim(encounter, owner, now, until)


async def _keep(services: Services, encounter: str, owner: str) -> None:
    while True:
        await asyncio.sleep(CLAIM_SECONDS / 3)
        try:
            await _claim(services, encounter, owner)
        except Exception as error:
            _log.warning("claim not renewed", fault=type(error).__name__)
