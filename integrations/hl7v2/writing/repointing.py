"""What refers to a retired record is made to refer to its survivor.

By the store's indexes, in batches, each batch a transaction. What is left to do is what still
refers to the retired record, so that a batch that was lost with its process is simply done again.
"""

from __future__ import annotations

from fhir_server.interactions.context import Context
from fhir_server.store import UnitOfWork
from integrations.hl7v2.store import ledgers
from integrations.hl7v2.writing.outcome import Effect, Written
from integrations.hl7v2.writing.references import repointed
from integrations.hl7v2.writing.referring import referring

BATCH = 100


async def repoint(
    unit: UnitOfWork, old: str, new: str, limit: int = BATCH
) -> tuple[list[Written], bool]:
    """Move up to `limit` references, and whether that were all.

    When it were not, the move is remembered for `Repointing`.
    """
    await unit.flush()
    found = await referring(unit, old, limit + 1)
    await unit.prefetch(found[:limit])
    written = [await _moved(unit, one, old, new) for one in found[:limit]]
    done = len(found) <= limit
    if not done:
        await ledgers.begin_move(unit, old, new)
    return written, done


async def _moved(unit: UnitOfWork, reference: str, old: str, new: str) -> Written:
    type, _, id = reference.partition("/")
    resource = (await unit.read(type, id)).resource()
    stored = await unit.put(repointed(resource, old, new))
    return Written("", reference, stored.version, Effect.MOVED, unit.patient_of(reference))


class Repointing:
    """Goes on with moves that were too large for the transaction of their message."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def finish(self) -> int:
        """Do all that is left; returns how many resources were moved. Safe to repeat."""
        total = 0
        pending = await ledgers.moves(self._context.server.store.database)
        for old, new in pending.items():
            while True:
                number, done = await self._batch(old, new)
                total += number
                if done:
                    break
        return total

    async def _batch(self, old: str, new: str) -> tuple[int, bool]:
        async def body(unit: UnitOfWork) -> tuple[int, bool]:
            written, done = await repoint(unit, old, new)
            if done:
                await ledgers.end_move(unit, old)
            return len(written), done

        return await self._context.transact(body)
