"""kill -9 of the receiving process at any moment: nothing acknowledged is lost, or done twice."""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from fhir_server.clock import system_clock
from fhir_server.store.connection import Database
from integrations.hl7v2.store import Lease, MessageQuery, MessageStore, replay_query, search
from tests.integrations.hl7v2.running import Peer, codes, message, peer, until

pytestmark = pytest.mark.timeout(300)

_ROUNDS = 4
_SENDERS = 3


@asynccontextmanager
async def _process(
    uri: str, database: str
) -> AsyncIterator[tuple[asyncio.subprocess.Process, int]]:
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.integrations.hl7v2.receiving_process", uri, database,
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        assert child.stdout is not None
        async with asyncio.timeout(60):
            port = int(await child.stdout.readline())
        yield child, port
    finally:
        if child.returncode is None:
            child.kill()
        await child.wait()


class _Sender:
    """Sends one message after another and notes what was acknowledged."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.next = 0
        self.acknowledged: list[str] = []
        self.open: list[bytes] = []

    def make(self) -> bytes:
        self.next += 1
        return message(f"S{self.number}-{self.next}", patient=f"P{self.number}-{self.next % 5}")

    async def send(self, port: int) -> None:
        try:
            async with peer(port) as one:
                while True:
                    await self._one(one)
        except (OSError, EOFError):
            return

    async def _one(self, one: Peer) -> None:
        # Several at once, so that a kill falls between receiving and acknowledging.
        self.open += [self.make() for _ in range(3)]
        for raw in self.open:
            await one.send(raw)
        while self.open:
            code, control = codes(await one.answer())
            assert code == "AA"
            self.acknowledged.append(control)
            self.open.pop(0)


async def _have(senders: list[_Sender], count: int) -> bool:
    return sum(len(one.acknowledged) for one in senders) >= count


async def test_nothing_acknowledged_is_lost(database: Database, mongo_uri: str) -> None:
    chance = random.Random(7)
    senders = [_Sender(number) for number in range(_SENDERS)]
    for round in range(1, _ROUNDS + 1):
        async with _process(mongo_uri, database.name) as (child, port):
            sending = [asyncio.create_task(one.send(port)) for one in senders]
            await asyncio.sleep(chance.uniform(0.2, 0.6))
            await until(lambda round=round: _have(senders, 6 * round))
            child.kill()
            await asyncio.gather(*sending)
            await _free_lease(database)
    store = MessageStore(database)
    acknowledged = [control for one in senders for control in one.acknowledged]
    assert len(acknowledged) > 20
    kept = {one["control"] async for one in database["hl7v2_messages"].find({}, {"control": 1})}
    assert set(acknowledged) <= kept
    async with _process(mongo_uri, database.name) as (_, port):
        for one in senders:
            async with peer(port) as again:
                for raw in one.open:
                    assert codes(await again.ask(raw))[0] == "AA"
        await until(lambda: _idle(store), seconds=60)
    sent = set(acknowledged) | {
        f"S{one.number}-{n}" for one in senders for n in range(1, one.next + 1)
    }
    counts = await store.counts()
    assert counts == {"converted": len(sent)}
    registered = [one["control"] async for one in database["registry"].find({})]
    assert sorted(registered) == sorted(sent)


async def test_a_full_replay_changes_nothing(database: Database, mongo_uri: str) -> None:
    store = MessageStore(database)
    async with _process(mongo_uri, database.name) as (_, port):
        async with peer(port) as one:
            for number in range(10):
                await one.ask(message(number))
        await until(lambda: _idle(store))
        assert (await replay_query(database, MessageQuery(), system_clock())).queued == 10
        await until(lambda: _replayed(store, 10))
    assert await database["registry"].count_documents({}) == 10
    assert len((await search(database, MessageQuery())).messages) == 10


async def _idle(store: MessageStore) -> bool:
    counts = await store.counts()
    return not counts.get("received") and not counts.get("converting")


async def _replayed(store: MessageStore, count: int) -> bool:
    return (await store.counts()).get("replayed") == count


async def _free_lease(database: Database) -> None:
    """As if the ten seconds had passed that the dead process still holds the lease."""
    await database["hl7v2_leases"].delete_many({})
    lease = Lease(database, "processing", "test", timedelta(seconds=1))
    assert await lease.hold(system_clock())
    await lease.end()
