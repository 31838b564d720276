"""Requests counted on a real Redis: over processes, in blocks, and not at all when it is down."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator

import pytest
import structlog
from redis.asyncio import Redis

from fhir_server.auth.rate_limits import Quota
from integrations.redis_limits import RedisLimiter
from tests.reserved_port import reserved_port

SMALL = Quota("small", 3)


class Clock:
    """A monotonic clock that stands until it is moved."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
async def redis(redis_uri: str) -> AsyncIterator[Redis]:
    client = Redis.from_url(redis_uri)
    yield client
    await client.aclose()


@pytest.fixture
def prefix() -> str:
    return f"limits-{uuid.uuid4().hex}"


async def granted(limiter: RedisLimiter, quota: Quota, key: str, tries: int) -> int:
    return [await limiter.wait(quota, key) for _ in range(tries)].count(0.0)


async def test_a_small_quota_is_counted_exactly_over_processes(redis: Redis, prefix: str) -> None:
    one, other = (
        RedisLimiter(redis, patience=60, prefix=prefix),
        RedisLimiter(redis, patience=60, prefix=prefix),
    )
    assert [await one.wait(SMALL, "a"), await other.wait(SMALL, "a")] == [0.0, 0.0]
    assert await one.wait(SMALL, "a") == 0.0
    for limiter in (one, other):
        assert 1 <= await limiter.wait(SMALL, "a") <= 60
    assert await one.wait(SMALL, "b") == 0.0
    assert await one.wait(Quota("another", 3), "a") == 0.0


async def test_many_at_once_get_no_more(redis: Redis, prefix: str) -> None:
    limiter = RedisLimiter(redis, patience=60, prefix=prefix)
    waits = await asyncio.gather(*(limiter.wait(SMALL, "a") for _ in range(50)))
    assert waits.count(0.0) == 3


async def test_room_comes_back(redis: Redis, prefix: str) -> None:
    limiter = RedisLimiter(redis, patience=60, prefix=prefix)
    quota = Quota("quick", 2, seconds=3)
    assert await granted(limiter, quota, "a", 3) == 2
    await asyncio.sleep(6.1)
    assert await granted(limiter, quota, "a", 3) == 2


async def test_a_large_quota_is_taken_in_blocks(redis: Redis, prefix: str) -> None:
    limiters = [RedisLimiter(redis, patience=60, prefix=prefix, now=Clock()) for _ in range(2)]
    quota = Quota("large", 1000)
    before = (await redis.info("stats"))["total_commands_processed"]
    counts = await asyncio.gather(*(granted(one, quota, "a", 700) for one in limiters))
    after = (await redis.info("stats"))["total_commands_processed"]
    assert sum(counts) == 1000
    # Each script runs some 8 commands: 100 blocks and a few refusals, not 1,400 requests.
    assert after - before < 2500


async def test_unspent_permits_lapse(redis: Redis, prefix: str) -> None:
    clock = Clock()
    limiter = RedisLimiter(redis, patience=60, prefix=prefix, now=clock)
    quota = Quota("large", 200)
    assert await granted(limiter, quota, "a", 1) == 1  # of a block of two
    other = RedisLimiter(redis, patience=60, prefix=prefix, now=Clock())
    assert await granted(other, quota, "a", 200) == 198
    clock.seconds += 7
    assert await granted(limiter, quota, "a", 1) == 0


async def test_who_is_refused_asks_redis_once_a_second(redis: Redis, prefix: str) -> None:
    clock = Clock()
    limiter = RedisLimiter(redis, patience=60, prefix=prefix, now=clock)
    await granted(limiter, SMALL, "a", 3)
    wait = await limiter.wait(SMALL, "a")
    await redis.delete(*[key async for key in redis.scan_iter(f"*{prefix}*")])
    assert [await limiter.wait(SMALL, "a") for _ in range(5)] == [wait] * 5
    clock.seconds += 1
    assert await granted(limiter, SMALL, "a", 5) == 3


async def test_redis_learns_no_names(redis: Redis, prefix: str) -> None:
    await RedisLimiter(redis, patience=60, prefix=prefix).wait(SMALL, "account:dr.adams")
    found = [key.decode() async for key in redis.scan_iter(f"*{prefix}*")]
    assert found
    assert not any("adams" in key for key in found)


async def test_without_redis_requests_go_on_and_the_log_says_so_once() -> None:
    with reserved_port() as port:
        clock = Clock()
        client = Redis.from_url(f"redis://127.0.0.1:{port}")
        limiter = RedisLimiter(client, now=clock, patience=60)
        with structlog.testing.capture_logs() as logs:
            for _ in range(3):
                assert await granted(limiter, SMALL, "account:dr.adams", 5) == 5
                clock.seconds += 5
    assert [line["event"] for line in logs] == ["rate limits are off: Redis does not answer"]
    assert "adams" not in str(logs)
    await client.aclose()


async def test_a_redis_that_hangs_costs_a_quarter_of_a_second_once() -> None:
    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    listening = await asyncio.start_server(hang, "127.0.0.1", 0)
    async with listening:
        port = listening.sockets[0].getsockname()[1]
        client = Redis.from_url(f"redis://127.0.0.1:{port}", socket_timeout=60)
        limiter = RedisLimiter(client)
        began = time.monotonic()
        assert await granted(limiter, SMALL, "a", 20) == 20
        assert time.monotonic() - began < 20
        await client.aclose()
        await asyncio.sleep(0)
