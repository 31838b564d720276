"""The HL7 v2 side put together: intake for each process that receives, processing for `aimed mllp`.

`attempting` is what makes FHIR of messages, `path` where application acknowledgements go whose
connection has gone. Without it messages are stored and wait for a process that has one.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager

from fhir_server.clock import OrderedIds, system_clock
from fhir_server.store.connection import Database
from integrations.hl7v2.acknowledgement import ReturnPath
from integrations.hl7v2.feeds.watching import LEASE as WATCH_LEASE
from integrations.hl7v2.feeds.watching import FeedWatch
from integrations.hl7v2.intake import Intake
from integrations.hl7v2.processing import Attempting, Outcomes, Processor
from integrations.hl7v2.processing.processor import LEASE
from integrations.hl7v2.processing.returning import Returning
from integrations.hl7v2.settings import Hl7v2Settings
from integrations.hl7v2.store import Lease, MessageStore, prepare
from integrations.hl7v2.strictness import Strictness
from integrations.hl7v2.structure.pool import CheckingPool


@asynccontextmanager
async def open_intake(
    database: Database, settings: Hl7v2Settings, arrived: Callable[[], None] = lambda: None
) -> AsyncIterator[Intake]:
    """The intake of a process that converts nothing itself, as long as the context lasts."""
    await prepare(database)
    store = MessageStore(database)
    async with aclosing(CheckingPool(settings.structure)) as checking:
        try:
            strictness = Strictness(settings.listeners, checking)
            yield _intake(store, Outcomes(store), strictness, settings, arrived)
        finally:
            await store.aclose()


@asynccontextmanager
async def open_hl7v2(
    database: Database,
    settings: Hl7v2Settings,
    attempting: Attempting | None,
    path: ReturnPath | None = None,
) -> AsyncIterator[Intake]:
    """Intake and, with something that converts, processing, as long as the context lasts."""
    if attempting is None:
        async with open_intake(database, settings) as intake:
            yield intake
        return
    async with aclosing(CheckingPool(settings.structure)) as checking:
        strictness = Strictness(settings.listeners, checking)
        async with _processing(database, settings, attempting, path, strictness) as intake:
            yield intake


@asynccontextmanager
async def _processing(
    database: Database,
    settings: Hl7v2Settings,
    attempting: Attempting,
    path: ReturnPath | None,
    strictness: Strictness,
) -> AsyncIterator[Intake]:
    await prepare(database)
    store = MessageStore(database)
    outcomes = Outcomes(store)
    own = f"{socket.gethostname()}:{os.getpid()}"
    processor = Processor(
        store,
        outcomes,
        attempting,
        Returning(store, path),
        strictness,
        lease=Lease(database, "processing", own, LEASE),
        clock=system_clock,
        ids=OrderedIds(),
        lanes=max(settings.lanes, settings.workers),
        attempts=settings.attempts,
    )
    stopped = asyncio.Event()
    working = asyncio.create_task(processor.run(stopped))
    lease = Lease(database, "watching", own, WATCH_LEASE)
    watch = FeedWatch(database, settings, lease=lease, clock=system_clock)
    watching = asyncio.create_task(watch.run(stopped))
    try:
        yield _intake(store, outcomes, strictness, settings, processor.arrived)
    finally:
        stopped.set()
        await asyncio.gather(working, watching)
        await store.aclose()


def _intake(
    store: MessageStore,
    outcomes: Outcomes,
    strictness: Strictness,
    settings: Hl7v2Settings,
    arrived: Callable[[], None],
) -> Intake:
    return Intake(
        store,
        outcomes,
        strictness,
        clock=system_clock,
        ids=OrderedIds(),
        convert_seconds=settings.convert_seconds,
        arrived=arrived,
    )
