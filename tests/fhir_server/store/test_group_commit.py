"""Writers at the same time share a transaction, and nobody is told of a write that is not there."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from fhir_server.server import FhirServer
from fhir_server.store import UnitOfWork
from fhir_server.store.group_commit import LIMIT, GroupCommit

Body = Callable[[UnitOfWork], Awaitable[Any]]


def basic(number: int) -> dict[str, Any]:
    return {"resourceType": "Basic", "code": {"text": str(number)}}


class Counted:
    """The store's transactions, counted; those whose number is in `failing` fail."""

    def __init__(self, server: FhirServer, failing: tuple[int, ...] = ()) -> None:
        self._store = server.server.store
        self._failing = failing
        self.number = 0

    async def transact(self, body: Body) -> Any:
        self.number += 1
        if self.number in self._failing:
            raise ConnectionError("gone")
        return await self._store.transact(body)


async def stored(server: FhirServer) -> set[str]:
    page = await server.server.store.search({"type": "Basic"}, count=1000)
    return {one.resource()["code"]["text"] for one in page.entries}


async def test_writers_at_once_share_transactions(server: FhirServer) -> None:
    counted = Counted(server)
    group = GroupCommit(counted.transact)
    number = 2 * LIMIT + 10
    await asyncio.gather(*(group.create(basic(n)) for n in range(number)))
    assert await stored(server) == {str(n) for n in range(number)}
    assert counted.number == 3


async def test_one_alone_does_not_wait_for_others(server: FhirServer) -> None:
    group = GroupCommit(server.server.store.transact)
    for number in range(3):
        await group.create(basic(number))
        assert str(number) in await stored(server)


async def test_a_failure_reaches_its_own_writers_only(server: FhirServer) -> None:
    group = GroupCommit(Counted(server, failing=(1,)).transact)
    outcomes = await asyncio.gather(
        *(group.create(basic(n)) for n in range(LIMIT + 5)), return_exceptions=True
    )
    assert all(isinstance(one, ConnectionError) for one in outcomes[:LIMIT])
    assert outcomes[LIMIT:] == [None] * 5
    assert await stored(server) == {str(n) for n in range(LIMIT, LIMIT + 5)}


async def test_what_a_cancelled_writer_began_is_stored(server: FhirServer) -> None:
    group = GroupCommit(server.server.store.transact)
    writer = asyncio.create_task(group.create(basic(1)))
    await asyncio.sleep(0)
    writer.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writer
    await group.aclose()
    assert await stored(server) == {"1"}
