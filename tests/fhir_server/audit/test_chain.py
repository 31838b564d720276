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
from fhir_server.clock import system_clock
from fhir_server.server import FhirServer
from fhir_server.store.audit_chain import AuditChain
from fhir_server.store.connection import Database

KEY = b"kept away from the database, always"


@pytest.fixture
async def trail(server: FhirServer, database: Database) -> AsyncIterator[AuditTrail]:
    """A trail that is sealed when a test says so."""
    late = Sealing(AuditChain(database), clock=system_clock, key=KEY, delay=3600)
    made = AuditTrail(server.server.store, late, clock=system_clock)
    yield made
    await made.aclose()


@pytest.fixture
async def chain(trail: AuditTrail, database: Database) -> AuditChain:
    """Three blocks of two events each."""
    for number in range(6):
        await trail.record(SYSTEM, Access("read", entities=(f"Patient/{number}",)))
        if number % 2:
            await sealing(database).seal()
    return AuditChain(database)


def sealing(database: Database, clock: Any = system_clock) -> Sealing:
    return Sealing(AuditChain(database), clock=clock, key=KEY)


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
