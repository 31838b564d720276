"""The audio as it arrives: durable before it is acknowledged, read back by position.

`audio_chunks` is insert-only. A chunk holds consecutive frames:

    _id        "<encounter>/<first frame>"
    encounter  Encounter id
    first last frame numbers, inclusive
    offset     bytes of audio before this chunk
    pcm        PCM16 little endian, interleaved
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from pymongo.errors import DuplicateKeyError

from fhir_server.errors import VersionConflict
from fhir_server.store.connection import Database
from fhir_server.store.encryption import opened, sealed

CHUNK_LIMIT = 1024 * 1024
"""Bytes per chunk: 32 s of one channel, far below MongoDB's 16 MB."""

TAIL_LIMIT = 2 * 1024 * 1024
"""Bytes kept in memory for the transcription that follows: a minute of one channel."""


class FrameGap(Exception):
    """A frame came before its predecessor; `next` is the frame that is wanted."""

    def __init__(self, next: int) -> None:
        super().__init__(f"frame {next} is missing")
        self.next = next


@dataclass(frozen=True)
class _Frame:
    number: int
    pcm: bytes


class AudioSpool:
    """All recorded audio of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._chunks = database["audio_chunks"]

    async def writer(self, encounter: str, *, backlog: int) -> SpoolWriter:
        """Continue a recording at the frame after the last durable one.

        `backlog` is the number of bytes that may wait before `append` makes its caller wait.
        """
        last = await self._chunks.find_one({"encounter": encounter}, sort=[("offset", -1)])
        if last is None:
            return SpoolWriter(self, encounter, 0, 0, backlog)
        pcm = await self._pcm(last)
        next_frame, length = last["last"] + 1, last["offset"] + len(pcm)
        return SpoolWriter(self, encounter, next_frame, length, backlog)

    async def next_frame(self, encounter: str) -> int:
        """The frame after the last durable one, 0 at first."""
        last = await self._chunks.find_one(
            {"encounter": encounter}, {"last": 1}, sort=[("offset", -1)]
        )
        return int(last["last"]) + 1 if last else 0

    async def read(self, encounter: str, from_byte: int = 0) -> AsyncIterator[bytes]:
        """Yield the durable audio from a position on, in order, then end."""
        start = await self._chunks.find_one(
            {"encounter": encounter, "offset": {"$lte": from_byte}},
            {"offset": 1},
            sort=[("offset", -1)],
        )
        if start is None:
            return
        condition = {"encounter": encounter, "offset": {"$gte": start["offset"]}}
        async for chunk in self._chunks.find(condition).sort("offset", 1):
            pcm = await self._pcm(chunk)
            skip = max(0, from_byte - chunk["offset"])
            if skip < len(pcm):
                yield pcm[skip:]

    async def remove(self, encounter: str) -> None:
        """Remove a recording that is kept elsewhere."""
        await self._chunks.delete_many({"encounter": encounter})

    async def insert(self, encounter: str, first: int, last: int, offset: int, pcm: bytes) -> None:
        """Make a chunk durable. Raises `VersionConflict` when another process wrote it."""
        document = {
            "_id": f"{encounter}/{first}",
            "encounter": encounter,
            "first": first,
            "last": last,
            "offset": offset,
            "pcm": pcm,
        }
        (chunk,) = await sealed(self._database, "audio_chunks", [document])
        try:
            await self._chunks.insert_one(chunk)
        except DuplicateKeyError:
            raise VersionConflict("Another microphone is recording this encounter.") from None

    async def _pcm(self, chunk: dict[str, Any]) -> bytes:
        (found,) = await opened(self._database, "audio_chunks", [chunk])
        return bytes(found["pcm"])


class SpoolWriter:
    """One recording being written: group commit, and a tail to follow.

    Everything queued while an insert runs goes into the next one, so that a slow disk makes
    larger chunks instead of a longer queue.
    """

    def __init__(
        self, spool: AudioSpool, encounter: str, next_frame: int, length: int, backlog: int
    ) -> None:
        self._spool = spool
        self._encounter = encounter
        self._backlog = backlog
        self._queue: deque[_Frame] = deque()
        self._queued = 0
        self._expected = next_frame
        self._tail: deque[tuple[int, bytes]] = deque()
        self._changed = asyncio.Condition()
        self._closing = False
        self._failure: Exception | None = None
        self.durable = next_frame
        """Every frame below this one is durable."""
        self.length = length
        """Durable bytes."""
        self._task = asyncio.create_task(self._write())

    @property
    def next_frame(self) -> int:
        """The frame that is wanted next."""
        return self._expected

    @property
    def failed(self) -> bool:
        """Whether an insert failed: nothing more is taken, a new writer has to be made."""
        return self._failure is not None

    async def append(self, number: int, pcm: bytes) -> None:
        """Queue a frame; a repeated one is dropped. Waits while the backlog is full.

        Raises `FrameGap`, `VersionConflict` after `close`, and whatever made an insert fail.
        """
        if number > self._expected:
            raise FrameGap(self._expected)
        async with self._changed:
            await self._changed.wait_for(lambda: self._queued < self._backlog or self._over)
            self._raise_if_over()
            if number < self._expected:
                return
            self._queue.append(_Frame(number, pcm))
            self._queued += len(pcm)
            self._expected += 1
            self._changed.notify_all()

    async def wait_durable(self, beyond: int) -> int:
        """Wait until `durable` is greater than `beyond` and return it.

        After `close` it returns at once. Raises whatever made an insert fail.
        """
        async with self._changed:
            await self._changed.wait_for(lambda: self.durable > beyond or self._over)
            if self._failure is not None:
                raise self._failure
            return self.durable

    async def follow(self, from_byte: int = 0) -> AsyncIterator[bytes]:
        """Yield the durable audio from a position on, then new audio; ends after `close`."""
        position = from_byte
        while await self._wait_beyond(position):
            pieces = self._from_tail(position)
            if pieces is not None:
                for pcm in pieces:
                    position += len(pcm)
                    yield pcm
                continue
            async for pcm in self._spool.read(self._encounter, position):
                position += len(pcm)
                yield pcm

    async def close(self) -> None:
        """Take nothing more and return once everything taken is durable (or failed)."""
        async with self._changed:
            self._closing = True
            self._changed.notify_all()
        await asyncio.shield(self._task)

    async def aclose(self) -> None:
        """Stop at once; what is not durable was not acknowledged either."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _wait_beyond(self, position: int) -> bool:
        async with self._changed:
            await self._changed.wait_for(lambda: self.length > position or self._ended)
            return self.length > position

    @property
    def _over(self) -> bool:
        return self._closing or self._failure is not None

    @property
    def _ended(self) -> bool:
        return self._failure is not None or (self._closing and not self._queue and not self._queued)

    def _raise_if_over(self) -> None:
        if self._failure is not None:
            raise self._failure
        if self._closing:
            raise VersionConflict("The recording has been stopped.")

    def _from_tail(self, position: int) -> list[bytes] | None:
        if not self._tail or position < self._tail[0][0]:
            return None
        return [
            pcm[max(0, position - offset) :]
            for offset, pcm in self._tail
            if offset + len(pcm) > position
        ]

    async def _write(self) -> None:
        try:
            while await self._commit():
                pass
        except Exception as error:
            async with self._changed:
                self._failure = error
                self._changed.notify_all()

    async def _commit(self) -> bool:
        async with self._changed:
            await self._changed.wait_for(lambda: self._queue or self._closing)
            batch = self._take()
        if not batch:
            return False
        pcm = b"".join(frame.pcm for frame in batch)
        first, last = batch[0].number, batch[-1].number
        await self._spool.insert(self._encounter, first, last, self.length, pcm)
        async with self._changed:
            self._keep(pcm)
            self.length += len(pcm)
            self.durable = last + 1
            self._queued -= len(pcm)
            self._changed.notify_all()
        return True

    def _take(self) -> list[_Frame]:
        batch: list[_Frame] = []
        size = 0
        while self._queue and (not batch or size + len(self._queue[0].pcm) <= CHUNK_LIMIT):
            frame = self._queue.popleft()
            batch.append(frame)
            size += len(frame.pcm)
        return batch

    def _keep(self, pcm: bytes) -> None:
        self._tail.append((self.length, pcm))
        kept = sum(len(piece) for _, piece in self._tail)
        while kept > TAIL_LIMIT and len(self._tail) > 1:
            kept -= len(self._tail.popleft()[1])
