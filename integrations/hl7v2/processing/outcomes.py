"""Waiting for the end of a message's processing, by this process or another."""

from __future__ import annotations

import asyncio
from collections import defaultdict

from integrations.hl7v2.store import MessageStore

_POLL_SECONDS = 0.2
_ENDED = ("converted", "failed", "ignored", "replayed")


class Outcomes:
    """Tells who waits. A processor of another process is noticed by looking."""

    def __init__(self, store: MessageStore) -> None:
        self._store = store
        self._waiting: dict[str, set[asyncio.Event]] = defaultdict(set)

    def publish(self, id: str) -> None:
        """Say that processing of this message has ended and is stored."""
        for one in self._waiting.get(id, ()):
            one.set()

    def awaited(self, id: str) -> bool:
        """Whether somebody in this process waits for this message."""
        return bool(self._waiting.get(id))

    async def ended(self, id: str) -> None:
        """Return once processing of this message has ended."""
        event = asyncio.Event()
        self._waiting[id].add(event)
        try:
            while not event.is_set():
                found = await self._store.state_of(id)
                if found is None or found[0] in _ENDED:
                    return
                try:
                    async with asyncio.timeout(_POLL_SECONDS):
                        await event.wait()
                except TimeoutError:
                    continue
        finally:
            self._waiting[id].discard(event)
            if not self._waiting[id]:
                del self._waiting[id]
