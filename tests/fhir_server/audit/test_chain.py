"""What the chain of hashes shows of somebody who can write to the database."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from fhir_server.audit import Access, AuditTrail
from fhir_server.audit.chain import Finding, block_hash, next_block, verify
from fhir_server.audit.sealing import Sealing
from fhir_server.auth.caller import SYSTEM
from fhir_server.clock import random_id, system_clock
from fhir_server.server import FhirServer
from fhir_server.store import MongoStore
from fhir_server.store.audit_chain import AuditChain, AuditWitness, digest
from fhir_server.store.connection import Database

KEY = b"kept away from the database, always"


@pytest.fixture
async def store(database: Database) -> MongoStore:
    made = MongoStore(database, clock=system_clock, ids=random_id, witness=AuditWitness(KEY))
    await made.prepare()
    return made


@pytest.fixture
async def trail(store: MongoStore) -> AsyncIterator[AuditTrail]:
    """A trail that is sealed when a test says so."""
    made = AuditTrail(store, late(store), clock=system_clock)
    yield made
    await made.aclose()


def late(store: MongoStore) -> Sealing:
    """The sealing of the process that writes."""
    chain = AuditChain(store.database)
    return Sealing(chain, store.witness, clock=system_clock, delay=3600)


@pytest.fixture
async def chain(trail: AuditTrail, database: Database) -> AuditChain:
    """Three blocks of two events each."""
    for number in range(6):
        await trail.record(SYSTEM, Access("read", entities=(f"Patient/{number}",)))
        if number % 2:
            await sealing(database).seal()
    return AuditChain(database)


def sealing(database: Database, clock: Any = system_clock) -> Sealing:
    """That of another process, which knows of no event but what waits in the database."""
    return Sealing(AuditChain(database), AuditWitness(KEY), clock=clock)


async def findings(
    chain: AuditChain, key: bytes = KEY, head: tuple[int, str] | None = None
) -> list[str]:
    return [
        f"{one.place} {one.text}"
        async for one in verify(chain, key, head)
        if isinstance(one, Finding)
    ]


async def test_an_untouched_trail_is_whole(chain: AuditChain) -> None:
    assert await chain.count() == 3
    assert await findings(chain) == []
    last = await chain.last()
    assert last is not None
    assert await findings(chain, head=(last.number, last.hash)) == []


async def event_of(database: Database, block: int) -> str:
    found = await database["audit_blocks"].find_one({"_id": block})
    assert found is not None
    return str(found["entries"][0][0])


async def change(database: Database) -> None:
    event = await event_of(database, 2)
    await database["resources"].update_one({"_id": event}, {"$set": {"raw": b"{}"}})


async def change_history(database: Database) -> None:
    event = await event_of(database, 2)
    await database["history"].update_one({"_id": f"{event}/1"}, {"$set": {"raw": b"{}"}})


async def remove(database: Database) -> None:
    event = await event_of(database, 1)
    await database["resources"].delete_one({"_id": event})
    await database["history"].delete_one({"_id": f"{event}/1"})


async def remove_block(database: Database) -> None:
    await database["audit_blocks"].delete_one({"_id": 2})


async def put_in(database: Database) -> None:
    found = await database["resources"].find_one({"_id": await event_of(database, 1)})
    assert found is not None
    await database["resources"].insert_one({**found, "_id": "AuditEvent/new", "id": "new"})


async def rewrite(database: Database) -> None:
    """An event goes, and the whole chain is made anew, but without the key."""
    event = await event_of(database, 1)
    await remove(database)
    last = None
    blocks = [block async for block in AuditChain(database).blocks()]
    await database["audit_blocks"].delete_many({})
    for block in blocks:
        entries = tuple(one for one in block.entries if one[0] != event)
        last = next_block(last, entries, block.at, b"")
        await AuditChain(database).append(last)


async def purge_early(database: Database) -> None:
    """Events go and the last block is made to say that their time was over."""
    await remove(database)
    await database["audit_blocks"].update_one({"_id": 3}, {"$set": {"purged_to": 1}})


@pytest.mark.parametrize(
    ("deed", "told"),
    [
        (change, "was changed"),
        (change_history, "was changed"),
        (remove, "was removed"),
        (remove_block, "follows a gap"),
        (put_in, "is in no block"),
        (rewrite, "the key is another one"),
        (purge_early, "block 3 was changed"),
    ],
)
async def test_what_was_done_is_found(
    chain: AuditChain,
    database: Database,
    deed: Callable[[Database], Awaitable[None]],
    told: str,
) -> None:
    await deed(database)
    assert any(told in one for one in await findings(chain))


async def test_cutting_off_the_end_shows_against_a_noted_head(
    chain: AuditChain, database: Database
) -> None:
    last = await chain.last()
    assert last is not None
    for reference, _ in last.entries:
        await chain.remove([reference])
    await database["audit_blocks"].delete_one({"_id": 3})
    assert await findings(chain) == []
    assert await findings(chain, head=(3, last.hash)) == ["block 3 is not the one that was noted"]


async def test_another_key_does_not_fit(chain: AuditChain) -> None:
    assert len(await findings(chain, key=b"another")) == 3


async def test_two_that_seal_at_once_make_one_chain(
    chain: AuditChain, database: Database, trail: AuditTrail
) -> None:
    last = await chain.last()
    block = next_block(last, (), system_clock(), KEY)
    assert await chain.append(block)
    assert not await chain.append(block)
    assert block_hash(block, KEY) == block.hash
    await trail.record(SYSTEM, Access("read"))
    await sealing(database).seal()
    assert await findings(chain) == []


async def test_what_is_old_goes_and_the_chain_says_so(
    chain: AuditChain, database: Database
) -> None:
    later = sealing(database, lambda: system_clock() + timedelta(days=3000))
    assert await later.purge(system_clock() + timedelta(days=1)) == 6
    assert await database["resources"].count_documents({"type": "AuditEvent"}) == 0
    assert await findings(chain) == []
    assert await later.purge(system_clock()) == 0


async def test_the_server_seals_by_itself(server: FhirServer, database: Database) -> None:
    await server.server.audit.record(SYSTEM, Access("read"))
    await server.aclose()
    assert await database["audit_pending"].count_documents({}) == 0
    assert await findings(AuditChain(database), key=b"") == []


async def waiting(database: Database) -> str:
    found = await database["audit_pending"].find_one({})
    assert found is not None
    return str(found["_id"])


async def drop_early(database: Database) -> None:
    """An event and that it waits go before it is in a block."""
    event = await waiting(database)
    await database["resources"].delete_one({"_id": event})
    await database["history"].delete_one({"_id": f"{event}/1"})
    await database["audit_pending"].delete_one({"_id": event})


async def change_early(database: Database) -> None:
    """An event is another one before it is in a block, and what waits is made to fit."""
    event = await waiting(database)
    for name, id in (("resources", event), ("history", f"{event}/1")):
        await database[name].update_one({"_id": id}, {"$set": {"raw": b"{}"}})
    await database["audit_pending"].update_one({"_id": event}, {"$set": {"h": digest(b"{}")}})


@pytest.mark.parametrize(
    ("deed", "told"), [(drop_early, "was removed"), (change_early, "was changed")]
)
async def test_what_was_done_before_the_block_is_found(
    trail: AuditTrail,
    store: MongoStore,
    database: Database,
    deed: Callable[[Database], Awaitable[None]],
    told: str,
) -> None:
    """Whoever seals: the process that wrote it is the witness."""
    await trail.record(SYSTEM, Access("read"))
    event = await waiting(database)
    await deed(database)
    await sealing(database).seal()
    await late(store).seal()
    found = await findings(AuditChain(database))
    assert any(one.startswith(event) and told in one for one in found)


async def test_a_change_shows_even_when_the_writer_was_killed(
    trail: AuditTrail, database: Database
) -> None:
    await trail.record(SYSTEM, Access("read"))
    event = await waiting(database)
    await change_early(database)
    await sealing(database).seal()
    [found] = await findings(AuditChain(database))
    assert found.startswith(f"{event} was not written by this server, or changed")


async def test_an_event_that_is_slipped_in_is_found(trail: AuditTrail, database: Database) -> None:
    await trail.record(SYSTEM, Access("read"))
    found = await database["resources"].find_one({"type": "AuditEvent"})
    assert found is not None
    await database["resources"].insert_one({**found, "_id": "AuditEvent/new", "id": "new"})
    wait = {"_id": "AuditEvent/new", "h": digest(found["raw"])}
    await database["audit_pending"].insert_one(wait)
    await sealing(database).seal()
    [one] = await findings(AuditChain(database))
    assert one.startswith("AuditEvent/new was not written by this server")


async def test_of_two_processes_one_seals_an_event(
    trail: AuditTrail, store: MongoStore, database: Database
) -> None:
    own = late(store)
    await own.seal()
    for _ in range(3):
        await trail.record(SYSTEM, Access("read"))
    await sealing(database).seal()
    await own.seal()
    assert await AuditChain(database).count() == 1
    assert await findings(AuditChain(database)) == []
