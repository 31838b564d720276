"""Putting events into the chain soon after they were written."""

from __future__ import annotations

import asyncio
import hmac
from contextlib import suppress
from datetime import datetime, timedelta

import structlog

from fhir_server.audit.chain import block_hash, next_block
from fhir_server.clock import Clock
from fhir_server.store.audit_chain import AuditChain, AuditWitness, Block

DELAY = 1.0
"""Seconds from an event to its block. One block a second costs 5 commands, whatever the load. In
this second the writing process is the witness of its events, whatever the database says then."""

_TELL = timedelta(hours=1)
_ATTEMPTS = 5
_log = structlog.get_logger("aimed.audit")


class Sealing:
    """Seals what is pending, of this process and of others. `delay` is in seconds.

    What `witness` knows is sealed also when it is no longer pending, so that removing or changing
    an event before it is sealed shows as one of a sealed event does. What others left pending has
    to carry their mark. The witness's key may be empty.
    """

    def __init__(
        self, chain: AuditChain, witness: AuditWitness, *, clock: Clock, delay: float = DELAY
    ) -> None:
        self._chain = chain
        self._witness = witness
        self._clock = clock
        self._key = witness.key
        self._seen: int | None = None
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
        """Put all that waits into blocks."""
        async with self._one:
            while await self._seal_some():
                pass

    async def _seal_some(self) -> bool:
        """Add one block. False when there is nothing to put into it."""
        for _ in range(_ATTEMPTS):
            last = await self._chain.last()
            await self._look_at_others(last)
            pending = await self._chain.pending(self._witness)
            # What this process wrote itself is as it wrote it.
            entries = tuple(({**dict(pending), **dict(self._witness.waiting())}).items())
            if not entries:
                return False
            block = next_block(last, entries, self._clock(), self._key)
            if await self._chain.append(block):
                self._witness.sealed(entries)
                self._seen = block.number
                self._tell(block)
                return True
        return False

    async def _look_at_others(self, last: Block | None) -> None:
        """Blocks of other processes hold events of this one too."""
        number = last.number if last else 0
        if self._seen is not None and self._seen < number:
            async for block in self._chain.blocks(self._seen):
                if hmac.compare_digest(block.hash, block_hash(block, self._key)):
                    self._witness.sealed(block.entries)
        self._seen = number

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
