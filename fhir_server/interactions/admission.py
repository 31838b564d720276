"""How many large transactions run at once.

Transactions of hundreds of entries that write the same organizations and practitioners make each
other start again: 16 at once that import Synthea patients never end on SecantusDB, 4 at once are as
quick as one after another. On MongoDB 7 others measured 24 of 24 committing at 4 in flight and 5 of
24 without a limit (801 entries, 1 GB of cache). So the rest waits for its turn, first come first.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

LARGE = 50
"""Entries above which a transaction is large. Smaller ones commit in milliseconds."""


class Admission:
    """Lets `limit` large transactions of this process in at once."""

    def __init__(self, limit: int) -> None:
        self._free = asyncio.Semaphore(limit)

    @asynccontextmanager
    async def of(self, entries: int) -> AsyncIterator[None]:
        """Held while a transaction of so many entries runs; waits for a turn if it is large."""
        if entries <= LARGE:
            yield
            return
        async with self._free:
            yield
