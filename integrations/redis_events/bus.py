"""The EventBus on Redis: one stream per encounter. https://redis.io/docs/latest/develop/data-types/streams/"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable
from importlib.resources import files
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import TimeoutError as RedisTimeoutError

from fhir_server.clock import Clock, instant
from pipelines.ports import Event

_PAGE = 256
"""Events per read: a watcher that is far behind catches up without one huge answer."""


class RedisEventBus:
    """Publishes and follows events. The caller closes `redis`.

    `retention_days` is how long after its last event a stream is kept; `block_seconds` how long
    one blocking read waits, which must stay below the client's socket timeout.
    """

    def __init__(
        self,
        redis: Redis,
        *,
        clock: Clock,
        retention_days: float = 7,
        block_seconds: float = 2,
        prefix: str = "aimed",
    ) -> None:
        self._redis = redis
        self._clock = clock
        self._keep = str(int(retention_days * 86400))
        self._block = int(block_seconds * 1000)
        self._prefix = prefix
        script = files("integrations.redis_events").joinpath("publish.lua")
        self._publish = redis.register_script(script.read_text(encoding="utf-8"))

    async def publish(
        self, encounter: str, type: str, data: dict[str, Any], *, once: str | None = None
    ) -> int | None:
        """Append an event; None when `once` was published before."""
        event = json.dumps(
            {"type": type, "at": instant(self._clock()), "data": data}, separators=(",", ":")
        )
        seq = await _cancellable(
            self._publish(
                keys=[self._stream(encounter), self._origins(encounter)],
                args=[event, once or "", self._keep],
            )
        )
        return None if seq is None else int(seq)

    async def follow(self, encounter: str, after: int = 0) -> AsyncIterator[Event]:
        """Yield every event with `seq > after`, then new ones, for ever."""
        stream, last = self._stream(encounter), after
        while True:
            for id, fields in await self._read(stream, last):
                last = _seq(id)
                yield _event(encounter, last, fields)

    async def last(self, encounter: str) -> int:
        """The newest event's `seq`, 0 if there is none."""
        newest = await _cancellable(self._redis.xrevrange(self._stream(encounter), count=1))
        return _seq(newest[0][0]) if newest else 0

    async def _read(self, stream: str, after: int) -> list[tuple[Any, dict[Any, Any]]]:
        try:
            found = await _cancellable(
                self._redis.xread({stream: f"{after}-0"}, count=_PAGE, block=self._block)
            )
        except RedisTimeoutError:
            return []
        if not found:
            return []
        # RESP3 answers a mapping of streams to batches, RESP2 a list of pairs.
        if isinstance(found, dict):
            batches = next(iter(found.values()))
            return list(batches[0]) if batches and isinstance(batches[0], list) else list(batches)
        return list(found[0][1])

    # The braces make both keys fall on one slot of a Redis cluster, as the script needs.
    def _stream(self, encounter: str) -> str:
        return f"{self._prefix}:{{{encounter}}}:events"

    def _origins(self, encounter: str) -> str:
        return f"{self._prefix}:{{{encounter}}}:origins"


async def _cancellable(command: Awaitable[Any]) -> Any:
    """Await a command so that cancelling it cancels the caller for certain.

    redis-py 8.1 on Python 3.11 swallowed 42 of 200 cancellations that met an answer on its way:
    a socket's task then went on as if nobody had asked it to end.
    """
    task = asyncio.ensure_future(command)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        task.cancel()
        task.add_done_callback(_retrieve)
        raise


def _retrieve(task: asyncio.Future[Any]) -> None:
    if not task.cancelled():
        task.exception()


def _seq(id: bytes | str) -> int:
    text = id.decode("ascii") if isinstance(id, bytes) else id
    return int(text.partition("-")[0])


def _event(encounter: str, seq: int, fields: dict[Any, Any]) -> Event:
    body = json.loads(fields[b"event"] if b"event" in fields else fields["event"])
    return Event(seq, body["type"], encounter, body["at"], body["data"])
