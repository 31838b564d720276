"""Work that one process does at a time: as long as it holds the lease, and not a moment longer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta

import structlog

from fhir_server.clock import Clock
from integrations.hl7v2.store.leases import Leases

LEASE_SECONDS = 15.0
"""How long after a process was killed another takes over."""

_RENEW = LEASE_SECONDS / 3
_log = structlog.get_logger("aimed.hl7v2.outbound")


class Leader:
    """Runs `work` whenever the lease `name` can be had. `owner` is unique to this process."""

    def __init__(self, leases: Leases, name: str, owner: str, *, clock: Clock) -> None:
        self._leases = leases
        self._name = name
        self._owner = owner
        self._clock = clock

    async def run(self, work: Callable[[], Awaitable[float]], stopped: asyncio.Event) -> None:
        """Call `work` again and again, after as many seconds as it says, until `stopped`.

        An outage of the database is waited out. What runs when the lease is lost is cancelled.
        """
        try:
            while not stopped.is_set():
                if await self._holds():
                    await self._lead(work, stopped)
                else:
                    await _sleep(_RENEW / 5, stopped)
        finally:
            with suppress(Exception):
                async with asyncio.timeout(_RENEW):
                    await self._leases.give_back(self._name, self._owner)

    async def _lead(self, work: Callable[[], Awaitable[float]], stopped: asyncio.Event) -> None:
        working = asyncio.create_task(self._work(work, stopped))
        try:
            while not stopped.is_set():
                done, _ = await asyncio.wait((working,), timeout=_RENEW)
                if done or not await self._holds():
                    break
        finally:
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)

    async def _work(self, work: Callable[[], Awaitable[float]], stopped: asyncio.Event) -> None:
        wait = 0.1
        while not stopped.is_set():
            try:
                await _sleep(await work(), stopped)
                wait = 0.1
            except Exception as error:  # the text may hold anything
                _log.warning(
                    "outbound work waits",
                    work=self._name,
                    fault=type(error).__name__,
                    seconds=wait,
                )
                await _sleep(wait, stopped)
                wait = min(wait * 2, _RENEW)

    async def _holds(self) -> bool:
        now = self._clock()
        try:
            async with asyncio.timeout(_RENEW):
                return await self._leases.take(
                    self._name, self._owner, now=now, until=now + timedelta(seconds=LEASE_SECONDS)
                )
        except Exception as error:
            _log.warning("lease not renewed", work=self._name, fault=type(error).__name__)
            return False


async def _sleep(seconds: float, stopped: asyncio.Event) -> None:
    if seconds > 0:
        with suppress(TimeoutError):
            await asyncio.wait_for(stopped.wait(), seconds)
