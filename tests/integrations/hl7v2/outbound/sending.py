"""Outbound on a real store, with a clock that can be moved."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

from fhir_server.audit import AuditTrail
from fhir_server.audit.sealing import Sealing
from fhir_server.auth.directives import DirectiveRegister
from fhir_server.clock import random_id, system_clock
from fhir_server.interactions.admission import Admission
from fhir_server.interactions.context import Server
from fhir_server.settings import FhirSettings
from fhir_server.store import MongoStore, Outbox
from fhir_server.store.audit_chain import AuditChain
from fhir_server.store.connection import Database
from fhir_server.store.directives import DirectiveStore
from integrations.hl7v2.outbound.changes import FhirChanges
from integrations.hl7v2.outbound.planner import Planner, Target
from integrations.hl7v2.outbound.release import Release
from integrations.hl7v2.outbound.sender import Sender
from integrations.hl7v2.outbound.service import Outbound, open_outbound
from integrations.hl7v2.outbound.settings import DestinationSettings, OutboundMessageSettings
from integrations.hl7v2.outbound.tables import load_tables, message_types
from integrations.hl7v2.store.outbound_events import OutboundEvents
from integrations.hl7v2.store.outbound_indexes import prepare_outbound
from integrations.hl7v2.store.outbound_queue import OutboundQueue, QueuedMessage

Resource = dict[str, Any]
KEEP = timedelta(days=30)


class Clock:
    """The time, and as much more as a test says."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def __call__(self) -> datetime:
        return system_clock() + self.ahead


async def nobody(source: str) -> str | None:
    return None


async def open_store(database: Database) -> MongoStore:
    store = MongoStore(database, clock=system_clock, ids=random_id)
    await store.prepare()
    await prepare_outbound(database)
    return store


async def write(store: MongoStore, *resources: Resource) -> None:
    """Store them one after the other, each in a transaction of its own."""
    for one in resources:
        await store.transact(lambda unit, one=one: unit.put(one))  # type: ignore[misc]


async def hand_over(store: MongoStore) -> int:
    """What the relay does with rows of the topic `fhir`."""
    outbox, changes = (
        Outbox(store.database),
        FhirChanges(OutboundEvents(store.database), message_types()),
    )
    rows = await outbox.pending()
    for row in rows:
        if row.topic == "fhir":
            await changes.take(row)
    await outbox.delivered([row.id for row in rows])
    return len(rows)


def planner(
    store: MongoStore,
    *destinations: DestinationSettings,
    senders: Callable[[str], Awaitable[str | None]] = nobody,
) -> Planner:
    targets = [Target(one, load_tables(one.mapping)) for one in destinations]
    return Planner(store, targets, senders, clock=system_clock)


async def plan(store: MongoStore, *destinations: DestinationSettings) -> list[QueuedMessage]:
    """Everything written so far becomes messages; all of them, the oldest first."""
    await hand_over(store)
    working = planner(store, *destinations)
    while await working.plan():
        pass
    return (await OutboundQueue(store.database).page({}, count=500))[::-1]


def sender(
    store: MongoStore,
    destination: DestinationSettings,
    clock: Clock,
    server: Server | None = None,
) -> Sender:
    release = Release(server or server_on(store), destination, base="", clock=clock, keep=KEEP)
    return Sender(destination, store.database, release, clock=clock, keep=KEEP)


def server_on(store: MongoStore) -> Server:
    """What outbound needs of the FHIR server."""
    sealing = Sealing(AuditChain(store.database), store.witness, clock=system_clock)
    return Server(
        store=store,
        audit=AuditTrail(store, sealing, clock=system_clock),
        settings=FhirSettings(),
        cursor_key=b"",
        admission=Admission(1),
        directives=DirectiveRegister(DirectiveStore(store.database)),
    )


@asynccontextmanager
async def running(
    store: MongoStore, *destinations: DestinationSettings, owner: str = "one"
) -> AsyncIterator[Outbound]:
    """The whole of outbound at work, as `aimed mllp` runs it."""
    settings = OutboundMessageSettings(destinations=destinations)
    stopped, server = asyncio.Event(), server_on(store)
    outbound = await open_outbound(server, settings, nobody, clock=system_clock, owner=owner)
    working = asyncio.create_task(outbound.run(stopped))
    try:
        yield outbound
    finally:
        stopped.set()
        await working
        await outbound.aclose()
        await server.audit.aclose()
