"""HL7 v2 out put together: what the relay hands over, and what `aimed mllp` sends."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aimed.embedded.errors import StackError
from aimed.relay import Receiver
from aimed.settings import Settings
from fhir_server.clock import random_id, system_clock
from fhir_server.server import FhirServer
from fhir_server.store.connection import Database
from integrations.hl7v2.acknowledgement import ReturnPath
from integrations.hl7v2.outbound.changes import FhirChanges
from integrations.hl7v2.outbound.returning import QueuedReturnPath
from integrations.hl7v2.outbound.service import open_outbound
from integrations.hl7v2.outbound.tables import UnusableMapping, message_types
from integrations.hl7v2.store.outbound_events import OutboundEvents
from integrations.hl7v2.store.senders import MessageSenders


def receivers(settings: Settings, database: Database) -> tuple[Receiver, ...]:
    """Who takes changes from the relay: nobody, unless there are destinations."""
    if not settings.hl7v2.outbound.destinations:
        return ()
    return (FhirChanges(OutboundEvents(database), message_types()).take,)


def return_path(settings: Settings, fhir: FhirServer) -> ReturnPath:
    """Where application acknowledgements go whose connection has gone."""
    destinations = settings.hl7v2.outbound.destinations
    return QueuedReturnPath(fhir.server.store.database, destinations, clock=system_clock)


@asynccontextmanager
async def sending(settings: Settings, fhir: FhirServer) -> AsyncIterator[None]:
    """Send to all destinations as long as the context lasts. Raises `StackError`.

    Several processes may; each queue has one. Without destinations nothing is done.
    """
    if not settings.hl7v2.outbound.destinations:
        yield
        return
    try:
        outbound = await open_outbound(
            fhir.server,
            settings.hl7v2.outbound,
            MessageSenders(fhir.server.store.database).sender,
            base=settings.hl7v2.base,
            clock=system_clock,
            owner=f"{socket.gethostname()}:{os.getpid()}:{random_id()}",
        )
    except UnusableMapping as error:
        raise StackError(f"A mapping of a destination cannot be used: {error}") from None
    stopped = asyncio.Event()
    working = asyncio.create_task(outbound.run(stopped))
    try:
        yield
    finally:
        stopped.set()
        await working
        await outbound.aclose()
