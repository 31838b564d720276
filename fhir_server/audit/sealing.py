"""Putting events into the chain soon after they were written."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta

import structlog

from fhir_server.audit.chain import next_block
from fhir_server.clock import Clock
from fhir_server.store.audit_chain import AuditChain, Block

DELAY = 1.0
"""Seconds from an event to its block. One block a second costs 4 commands, whatever the load; in
this second an event could be changed in the database without a trace in the chain."""

_TELL = timedelta(hours=1)
_ATTEMPTS = 5
_log = structlog.get_logger("aimed.audit")


class Sealing:
    """Seals what is pending, of this process and of others. `key` may be empty.

    `delay` is in seconds.
    """

    def __init__(
        self, chain: AuditChain, *, clock: Clock, key: bytes, delay: float = DELAY
    ) -> None:
        self._chain = chain
        self._clock = clock
        self._key = key
        self._delay = delay
        self._task: asyncio.Task[None] | None = None
        self._one = asyncio.Lock()
        self._told: datetime | None = None

    def wake(self) -> None:
        """There is something to seal."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._soon())

    async def _soon(self) -> None:
        await asyncio.sleep(self._delay)
        try:
            await self.seal()
        except Exception as error:  # the events are pending: the next one wakes us again
            _log.warning("sealing waits", fault=type(error).__name__)

    async def seal(self) -> None:
        """Put all that is pending into blocks."""
        async with self._one:
            while pending := await self._chain.pending():
                await self._append(tuple(pending))

    async def _append(self, entries: tuple[tuple[str, str], ...]) -> None:
        for _ in range(_ATTEMPTS):
            block = next_block(await self._chain.last(), entries, self._clock(), self._key)
            if await self._chain.append(block):
                self._tell(block)
                return

    def _tell(self, block: Block) -> None:
        """The log, kept elsewhere, is a witness of what the chain was."""
        if self._told is None or block.at - self._told >= _TELL:
            self._told = block.at
            _log.info("sealed", block=block.number, hash=block.hash)

    async def purge(self, before: datetime) -> int:
        """Remove the events of blocks older than `before`; returns how many events that were.

        The chain says so first, and then they go; blocks stay. Done again after a crash it removes
        what is left.
        """
        last = await self._chain.last()
        if last is None:
            return 0
        gone = [one async for one in self._chain.blocks() if one.at < before]
        if gone and gone[-1].number > last.purged_to:
            async with self._one:
                last = await self._chain.last()
                block = next_block(last, (), self._clock(), self._key, gone[-1].number)
                if not await self._chain.append(block):
                    return 0
        removed = 0
        for one in gone:
            references = [reference for reference, _ in one.entries]
            there = await self._chain.hashes(references)
            removed += sum(1 for found in there.values() if found)
            await self._chain.remove(references)
        return removed

    async def aclose(self) -> None:
        """Seal what is pending, if the database still answers."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        if self._task is not None:
            with suppress(Exception):
                await self.seal()
