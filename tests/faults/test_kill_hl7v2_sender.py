"""kill -9 between sending a message and its acknowledgement: it is sent again, and is the same."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from fhir_server.store.connection import Database
from integrations.hl7v2.store.outbound_queue import OutboundQueue
from tests.conftest import ENCRYPTION
from tests.integrations.hl7v2.destinations import scripted
from tests.integrations.hl7v2.outbound.chart import PATIENT, SURVIVOR
from tests.integrations.hl7v2.outbound.sending import hand_over, open_store, write

pytestmark = pytest.mark.timeout(300)


@asynccontextmanager
async def mllp(
    database: Database, mongo_uri: str, redis_uri: str, port: int
) -> AsyncIterator[asyncio.subprocess.Process]:
    """`aimed mllp`, killed at the end."""
    lab = {
        "name": "lab",
        "host": "127.0.0.1",
        "port": port,
        "messages": ["ADT"],
        "ack_seconds": 60,
        "retry": {"first_seconds": 0.1},
    }
    key = ENCRYPTION.key.get_secret_value() if ENCRYPTION.key else ""
    environment = {
        **os.environ,
        "AIMED_MONGO__URI": mongo_uri,
        "AIMED_REDIS__URI": redis_uri,
        "AIMED_MONGO__DATABASE": database.name,
        "AIMED_HL7V2__OUTBOUND__DESTINATIONS": json.dumps([lab]),
        "AIMED_HL7V2__LISTENERS": "[]",
        **({"AIMED_FHIR__ENCRYPTION__PROVIDER": "local"} if key else {}),
        **({"AIMED_FHIR__ENCRYPTION__KEY": key} if key else {}),
    }
    running = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "aimed", "mllp", env=environment, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        yield running
    finally:
        if running.returncode is None:
            running.send_signal(signal.SIGKILL)
        await running.wait()


async def test_killed_between_message_and_acknowledgement(
    database: Database, mongo_uri: str, redis_uri: str
) -> None:
    store = await open_store(database)
    await write(store, PATIENT, SURVIVOR)
    await hand_over(store)
    queue = OutboundQueue(database)
    async with scripted("silent") as server:
        async with mllp(database, mongo_uri, redis_uri, server.port):
            await server.until(1, 60)
        async with mllp(database, mongo_uri, redis_uri, server.port):
            await server.until(3, 60)  # the lease of the killed one has to end first
            await _acknowledged(queue, 2)
    first, again, second = server.received
    assert first[1] == again[1]
    assert b"12\\T\\3" in first[1]
    assert b"|99^" in second[1]


async def _acknowledged(queue: OutboundQueue, count: int) -> None:
    async with asyncio.timeout(60):
        while True:
            counts: dict[str, Any] = await queue.counts()
            if counts.get("lab", {}).get("acknowledged") == count:
                return
            await asyncio.sleep(0.05)
