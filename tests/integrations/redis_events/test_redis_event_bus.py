"""Events on Redis: numbered without gaps, published once per origin, followed from any point."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from redis.asyncio import Redis

from integrations.redis_events import RedisEventBus
from pipelines.ports import Event


@pytest.fixture
async def client(redis_uri: str) -> AsyncIterator[Redis]:
    client = Redis.from_url(redis_uri)
    yield client
    await client.aclose()


@pytest.fixture
def bus(client: Redis) -> RedisEventBus:
    return RedisEventBus(client, clock=lambda: datetime(2026, 1, 31, 8, tzinfo=UTC))


@pytest.fixture
def encounter() -> str:
    return str(uuid.uuid4())


async def take(bus: RedisEventBus, encounter: str, count: int, after: int = 0) -> list[Event]:
    found = []
    async with aclosing(cast(Any, bus.follow(encounter, after))) as events:
        async for event in events:
            found.append(event)
            if len(found) == count:
                return found
    raise AssertionError("follow never ends by itself")


async def test_seq_counts_from_one_without_gaps(bus: RedisEventBus, encounter: str) -> None:
    assert await bus.last(encounter) == 0
    numbers = await asyncio.gather(*(bus.publish(encounter, "x", {"n": n}) for n in range(50)))
    assert sorted(n for n in numbers if n) == list(range(1, 51))
    assert await bus.last(encounter) == 50
    assert await bus.last("another") == 0


async def test_one_origin_is_published_once(bus: RedisEventBus, encounter: str) -> None:
    answers = await asyncio.gather(
        *(bus.publish(encounter, "x", {}, once="row-1") for _ in range(10))
    )
    assert sorted(answers, key=str) == [1, *[None] * 9]
    assert await bus.publish(encounter, "x", {}, once="row-2") == 2


async def test_a_watcher_catches_up_and_goes_on(bus: RedisEventBus, encounter: str) -> None:
    for n in range(600):
        await bus.publish(encounter, "transcript.partial", {"n": n})
    watching = asyncio.create_task(take(bus, encounter, 302, after=300))
    await asyncio.sleep(0.05)
    await bus.publish(encounter, "a", {"text": "Müller"})
    await bus.publish(encounter, "b", {})
    found = await watching
    assert [event.seq for event in found] == list(range(301, 603))
    assert found[-2] == Event(601, "a", encounter, "2026-01-31T08:00:00.000Z", {"text": "Müller"})


async def test_watching_before_the_first_event(bus: RedisEventBus, encounter: str) -> None:
    watching = asyncio.create_task(take(bus, encounter, 1))
    await asyncio.sleep(0.05)
    await bus.publish(encounter, "session.started", {})
    assert (await watching)[0].seq == 1


async def test_a_silent_stream_outlasts_the_blocking_read(client: Redis, encounter: str) -> None:
    bus = RedisEventBus(client, clock=lambda: datetime.now(UTC), block_seconds=0.1)
    watching = asyncio.create_task(take(bus, encounter, 1))
    await asyncio.sleep(0.5)
    await bus.publish(encounter, "late", {})
    assert (await watching)[0].type == "late"


async def test_streams_expire(client: Redis, encounter: str) -> None:
    bus = RedisEventBus(client, clock=lambda: datetime.now(UTC), retention_days=2)
    await bus.publish(encounter, "x", {}, once="row")
    keys = [key async for key in client.scan_iter(f"*{encounter}*")]
    assert len(keys) == 2
    for key in keys:
        assert 2 * 86400 - 60 < await client.ttl(key) <= 2 * 86400


async def test_both_redis_protocols(redis_uri: str, encounter: str) -> None:
    for protocol in (2, 3):
        for decode in (False, True):
            async with Redis.from_url(
                redis_uri, protocol=protocol, decode_responses=decode
            ) as client:
                bus = RedisEventBus(client, clock=lambda: datetime.now(UTC))
                seq = await bus.publish(encounter, "x", {"protocol": protocol})
                assert seq is not None
                assert (await take(bus, encounter, 1, after=seq - 1))[0].seq == seq


async def test_a_cancelled_publication_cancels_its_caller(
    bus: RedisEventBus, encounter: str
) -> None:
    # redis-py alone swallows some of these: the caller would go on to its sleep.
    async def publish_and_stay() -> None:
        await bus.publish(encounter, "x", {})
        await asyncio.sleep(60)

    for steps in range(60):
        task = asyncio.create_task(publish_and_stay())
        for _ in range(steps % 12):
            await asyncio.sleep(0)
        task.cancel()
        done, _ = await asyncio.wait([task], timeout=30)
        assert task in done
        assert task.cancelled()
    last = await bus.publish(encounter, "last", {})
    assert last is not None
    assert (await take(bus, encounter, 1, after=last - 1))[0].type == "last"
    assert await bus.last(encounter) >= last  # what was cancelled may still be on its way
