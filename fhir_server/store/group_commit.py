"""Group commit: resources that are written at the same time share one transaction.

What arrives while one transaction runs goes into the next. Alone, a writer waits as long as ever;
with 64 at once each waits for two transactions instead of queueing for 64.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from fhir_server.resource import Resource
from fhir_server.store.unit_of_work import UnitOfWork

LIMIT = 100
"""Most resources of one transaction: 100 audit events are 200 kB."""


class GroupCommit:
    """Creates resources that have no id yet, through `transact` of a store."""

    def __init__(self, transact: Callable[..., Awaitable[Any]]) -> None:
        self._transact = transact
        self._waiting: list[tuple[Resource, asyncio.Future[None]]] = []
        self._task: asyncio.Task[None] | None = None

    async def create(self, *resources: Resource) -> None:
        """Store them; returns once all are durable, and raises what a transaction raised.

        They are stored also when the caller is cancelled meanwhile.
        """
        waits = []
        for resource in resources:
            stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append((resource, stored))
            waits.append(stored)
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        for stored in waits:
            await asyncio.shield(stored)

    async def aclose(self) -> None:
        """Wait for what is under way."""
        if self._task is not None:
            await self._task

    async def _run(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting[:LIMIT], self._waiting[LIMIT:]
            try:
                await self._store([resource for resource, _ in group])
            except Exception as error:
                for _, stored in group:
                    stored.set_exception(error)
                    stored.exception()  # a cancelled caller looks at it no more
            else:
                for _, stored in group:
                    stored.set_result(None)
        self._task = None

    async def _store(self, resources: list[Resource]) -> None:
        async def body(unit: UnitOfWork) -> None:
            async with unit.grouped():
                for resource in resources:
                    await unit.create(resource)

        await self._transact(body)
