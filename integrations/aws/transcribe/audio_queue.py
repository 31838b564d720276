"""Audio between `feed` and the socket. What was sent is kept a while, to be sent again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence


class AudioQueue:
    """PCM by its position, in bytes from the session's first. `backlog` and `kept` are bytes."""

    def __init__(self, *, backlog: int, kept: int) -> None:
        self._backlog = backlog
        self._kept = kept
        self._data = bytearray()
        self._base = 0
        self._finished = False
        self._closed = False
        self._changed = asyncio.Condition()
        self.position = 0
        """The next byte to send."""

    async def put(self, pcm: bytes) -> None:
        """Take more audio; waits while too much is waiting to be sent."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._waiting < self._backlog or self._closed)
            if not self._closed:
                self._data += pcm
            self._changed.notify_all()

    async def finish(self) -> None:
        """Say that no audio follows."""
        async with self._changed:
            self._finished = True
            self._changed.notify_all()

    async def close(self) -> None:
        """Drop everything and let nobody wait any more."""
        async with self._changed:
            self._closed = True
            self._data.clear()
            self._base = self.position
            self._changed.notify_all()

    @property
    def ended(self) -> bool:
        """Whether everything was sent and nothing follows."""
        return self._closed or (self._finished and not self._waiting)

    async def any(self) -> bool:
        """Wait for something to send; False when nothing follows."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._waiting > 0 or self.ended)
            return not self.ended

    async def take(self, size: int, patience: float) -> bytes:
        """The next `size` bytes to send; fewer, or none, at the end or after `patience` seconds."""
        async with self._changed:
            await self._until(lambda: self._waiting >= size or self._finished, patience)
            start = self.position - self._base
            pcm = bytes(self._data[start : start + size])
            self.position += len(pcm)
            self.settle(self.position - self._kept)
            self._changed.notify_all()
            return pcm

    def settle(self, position: int) -> None:
        """Forget what lies before `position`, if it was sent."""
        drop = min(position, self.position) - self._base
        if drop > 0:
            del self._data[:drop]
            self._base += drop

    def rewind(self, position: int) -> bool:
        """Send again from `position`. False when that is not kept any more."""
        if not self._base <= position <= self.position:
            return False
        self.position = position
        return True

    def mute(self, until: Sequence[int]) -> None:
        """Silence what is still to be sent of each channel up to its position in `until`."""
        first, unit = self.position - self._base, 2 * len(until)
        for channel, position in enumerate(until):
            last = min(position - self._base, len(self._data))
            for byte in (2 * channel, 2 * channel + 1):
                places = range(first + byte, last, unit)
                self._data[first + byte : max(last, first + byte) : unit] = bytes(len(places))

    @property
    def _waiting(self) -> int:
        return self._base + len(self._data) - self.position

    async def _until(self, holds: Callable[[], bool], patience: float) -> None:
        try:
            async with asyncio.timeout(patience):
                await self._changed.wait_for(lambda: holds() or self._closed)
        except TimeoutError:
            return
