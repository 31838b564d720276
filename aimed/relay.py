"""The relay: outbox rows become events, jobs and the change stream. docs/architecture.md

A row is removed after its receiver has it, and receivers drop repetitions by the row's id, so that
killing the relay at any moment neither loses nor doubles anything.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog
from celery import Celery
from redis.asyncio import Redis
from redis.exceptions import RedisError

from fhir_server.resource import dumps
from fhir_server.store import Outbox, OutboxRow
from pipelines.ports import EventBus

POLL_SECONDS = 0.05
"""Wait when there is nothing to do. An alert may take 5 s in all and a watcher is promised 100 ms;
twenty small reads a second cost the embedded server 1 % of a core."""

CHANGES = "aimed:fhir"
_CHANGES_KEPT = 100_000
LEASE = "aimed:relay"
_LEASE_MS = 5_000
_RENEW_SECONDS = 1.0
"""Three commands for the lease twenty times a second take 1 % of a core of an idle relay."""
_LONGEST_WAIT = 5.0
Receiver = Callable[[OutboxRow], Awaitable[None]]
"""Makes a row of the topic `fhir` durable elsewhere, and does nothing for one that it has."""

_log = structlog.get_logger("aimed.relay")


class Relay:
    """Delivers rows in order. Several may run; one at a time holds the lease and works.

    `receivers` get each change of a resource before it goes into the change stream.
    """

    def __init__(
        self,
        outbox: Outbox,
        bus: EventBus,
        redis: Redis,
        celery: Celery,
        *,
        name: str,
        receivers: Sequence[Receiver] = (),
    ) -> None:
        self._outbox = outbox
        self._bus = bus
        self._redis = redis
        self._celery = celery
        self._name = name
        self._receivers = receivers
        self._leads_until = 0.0

    async def run(self, stopped: Callable[[], bool]) -> None:
        """Work until `stopped`. An outage is waited out."""
        wait = POLL_SECONDS
        while not stopped():
            try:
                busy = await self._leads() and await self.deliver() > 0
                wait = 0.0 if busy else POLL_SECONDS
            except Exception as error:
                self._leads_until = 0.0
                wait = min(max(wait, POLL_SECONDS) * 2, _LONGEST_WAIT)
                _log.warning("delivery waits", fault=type(error).__name__, seconds=wait)
            await asyncio.sleep(wait)
        await self._step_down()

    async def deliver(self) -> int:
        """Deliver what is pending and return how many rows that was."""
        rows = await self._outbox.pending()
        done: list[str] = []
        try:
            for row in rows:
                await self._send(row)
                done.append(row.id)
        finally:
            if done:
                await self._outbox.delivered(done)
        return len(done)

    async def _send(self, row: OutboxRow) -> None:
        if row.topic == "session":
            await self._bus.publish(row.partition, row.type, row.data, once=row.id)
        elif row.topic == "job":
            await asyncio.to_thread(
                self._celery.send_task, row.type, kwargs=row.data, task_id=row.id
            )
        else:
            for receive in self._receivers:
                await receive(row)
            await self._redis.xadd(
                CHANGES,
                {"id": row.id, "type": row.type, "data": dumps(row.data)},
                maxlen=_CHANGES_KEPT,
                approximate=True,
            )

    async def _leads(self) -> bool:
        now = asyncio.get_running_loop().time()
        if now < self._leads_until:
            return True
        leads = await self._holds_lease()
        self._leads_until = now + _RENEW_SECONDS if leads else 0.0
        return leads

    async def _holds_lease(self) -> bool:
        taken = await self._redis.set(LEASE, self._name, nx=True, px=_LEASE_MS)
        if taken:
            return True
        if await self._redis.get(LEASE) != self._name.encode():
            return False
        await self._redis.pexpire(LEASE, _LEASE_MS)
        return True

    async def _step_down(self) -> None:
        # The next relay leads at once instead of waiting for the lease to end.
        try:
            if await self._redis.get(LEASE) == self._name.encode():
                await self._redis.delete(LEASE)
        except (RedisError, OSError):
            return
