"""What comes while one command runs goes into the next: one round trip and one disk flush for all.

Alone, a caller waits as long as ever; of many at once each waits for two commands at most.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")
_LIMIT = 200


class Grouping(Generic[Item, Result]):
    """Runs `work` on the waiting items, in the order they came; `size` and `most` bound a group."""

    def __init__(
        self,
        work: Callable[[Sequence[Item]], Awaitable[list[Result]]],
        *,
        size: Callable[[Item], int] = lambda item: 0,
        most: int = 0,
    ) -> None:
        self._work = work
        self._size = size
        self._most = most
        self._waiting: list[tuple[Item, asyncio.Future[Result]]] = []
        self._task: asyncio.Task[None] | None = None

    async def do(self, item: Item) -> Result:
        """The result for this item. It is worked on also when the caller is cancelled meanwhile."""
        done: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, done))
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        return await asyncio.shield(done)

    async def aclose(self) -> None:
        """Wait for what is under way."""
        if self._task is not None:
            await self._task

    async def _run(self) -> None:
        while self._waiting:
            group = self._next()
            try:
                results = await self._work([item for item, _ in group])
            except Exception as error:
                for _, done in group:
                    done.set_exception(error)
                    done.exception()  # a cancelled caller looks at it no more
            else:
                for (_, done), result in zip(group, results, strict=True):
                    done.set_result(result)
        self._task = None

    def _next(self) -> list[tuple[Item, asyncio.Future[Result]]]:
        count, bytes_ = 0, 0
        for item, _ in self._waiting[:_LIMIT]:
            bytes_ += self._size(item)
            if count and self._most and bytes_ > self._most:
                break
            count += 1
        group, self._waiting = self._waiting[:count], self._waiting[count:]
        return group
