"""kill -9 between acknowledgement and conversion: all that was acknowledged is in FHIR, once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pymongo import AsyncMongoClient

from aimed.embedded import Stack
from aimed.settings import Settings
from tests.conftest import background_loop
from tests.integrations.hl7v2.running import assert_converted_once, codes, peer, until
from tests.integrations.hl7v2.test_end_to_end import adt, oru, visit

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
PATIENTS = 40
KILLS = (10, 25)


@pytest.fixture
def stack(tmp_path_factory: pytest.TempPathFactory) -> Any:
    made = Stack(Settings(), tmp_path_factory.mktemp("killed"))
    with background_loop() as loop:
        asyncio.run_coroutine_threadsafe(made.start(), loop).result(120)
        try:
            yield made, loop
        finally:
            asyncio.run_coroutine_threadsafe(made.stop(), loop).result(120)


async def test_what_was_acknowledged_is_converted_once(stack: Any) -> None:
    made, loop = stack
    port = made.listeners[0].port
    for number in range(PATIENTS):
        name = f"K{number}"
        for raw in (
            adt("A01", f"{name}A", name, "KILLED", visit(f"V{name}")),
            oru(f"{name}R", name, "KILLED", "4.1"),
        ):
            await _sent(port, raw.encode(), raw.split("|")[9])
        if number in KILLS:
            # What was acknowledged a moment ago waits or is being written now.
            loop.call_soon_threadsafe(made.kill, "mllp")
    async with AsyncMongoClient(made.mongo_uri) as mongo:
        database = mongo[Settings().mongo.database]

        async def converted() -> bool:
            count = {"state": "converted"}
            return await database["hl7v2_messages"].count_documents(count) == 2 * PATIENTS

        await until(converted, seconds=120)
        assert await database["hl7v2_messages"].count_documents({}) == 2 * PATIENTS
        await assert_converted_once(database, PATIENTS)


async def _sent(port: int, raw: bytes, control: str) -> None:
    """Until it is acknowledged, as a sender does whose connection breaks."""
    async with asyncio.timeout(60):
        while True:
            try:
                async with peer(port) as one:
                    assert codes(await one.ask(raw)) == ("AA", control)
                    return
            except (OSError, EOFError):
                await asyncio.sleep(0.1)
