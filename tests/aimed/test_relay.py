"""The relay on real databases: each topic to its receiver, once, whoever is killed."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from redis.asyncio import Redis

from aimed.celery_app import make_celery
from aimed.relay import CHANGES, LEASE, Relay
from aimed.settings import Settings
from fhir_server.clock import OrderedIds, random_id, system_clock
from fhir_server.store import MongoStore, Outbox, UnitOfWork
from fhir_server.store.connection import Database
from integrations.redis_events import RedisEventBus


@pytest.fixture
async def redis(redis_uri: str) -> AsyncIterator[Redis]:
    async with Redis.from_url(redis_uri) as client:
        await client.delete(LEASE, CHANGES, "aimed")
        yield client


@pytest.fixture
async def store(database: Database) -> MongoStore:
    store = MongoStore(database, clock=system_clock, ids=random_id)
    await store.prepare()
    return store


def relay(
    store: MongoStore, redis: Redis, redis_uri: str, mongo_uri: str, name: str = "r"
) -> Relay:
    celery = make_celery(Settings().at(mongo=mongo_uri, redis=redis_uri))
    bus = RedisEventBus(redis, clock=system_clock)
    return Relay(Outbox(store.database), bus, redis, celery, name=name)


async def emit(store: MongoStore, encounter: str, count: int) -> None:
    async def body(unit: UnitOfWork) -> None:
        for n in range(count):
            await unit.emit("session", partition=encounter, type="error", data={"n": n})

    await store.transact(body)


async def heard(redis: Redis, encounter: str) -> list[int]:
    rows: Any = await redis.xrange(f"aimed:{{{encounter}}}:events")
    return [json.loads(fields[b"event"])["data"]["n"] for _, fields in rows]


async def test_rows_reach_their_receivers_and_are_gone(
    store: MongoStore, redis: Redis, redis_uri: str, mongo_uri: str
) -> None:
    encounter = OrderedIds()()

    async def body(unit: UnitOfWork) -> None:
        await unit.create({"resourceType": "Patient"})
        await unit.emit("session", partition=encounter, type="error", data={"n": 7})
        await unit.emit("job", partition="e", type="consultation.close", data={"encounter": "e"})

    await store.transact(body)
    working = relay(store, redis, redis_uri, mongo_uri)
    assert await working.deliver() == 3
    assert await working.deliver() == 0

    assert await heard(redis, encounter) == [7]
    changes: Any = await redis.xrange(CHANGES)
    assert [fields[b"type"] for _, fields in changes] == [b"create"]
    jobs: Any = await redis.lrange("aimed", 0, -1)
    message = json.loads(jobs[0])
    assert message["headers"]["task"] == "consultation.close"
    assert json.loads(base64.b64decode(message["body"]))[1] == {"encounter": "e"}


async def test_a_relay_killed_before_it_forgets_its_rows_doubles_nothing(
    store: MongoStore, redis: Redis, redis_uri: str, mongo_uri: str
) -> None:
    encounter = OrderedIds()()
    await emit(store, encounter, 3)
    rows = await store.database["outbox"].find().to_list()
    await relay(store, redis, redis_uri, mongo_uri).deliver()
    await store.database["outbox"].insert_many(rows)
    assert await relay(store, redis, redis_uri, mongo_uri, "next").deliver() == 3
    assert await heard(redis, encounter) == [0, 1, 2]


async def test_two_relays_deliver_everything_once_in_order(
    store: MongoStore, redis: Redis, redis_uri: str, mongo_uri: str
) -> None:
    encounter = OrderedIds()()
    stopped = asyncio.Event()
    relays = [relay(store, redis, redis_uri, mongo_uri, name) for name in ("a", "b")]
    running = [asyncio.create_task(one.run(stopped.is_set)) for one in relays]
    for _ in range(5):
        await emit(store, encounter, 10)
    async with asyncio.timeout(60):
        while len(await heard(redis, encounter)) < 50:  # noqa: ASYNC110  over the wire
            await asyncio.sleep(0.02)
    stopped.set()
    await asyncio.gather(*running)
    assert await heard(redis, encounter) == list(range(10)) * 5
    assert not await redis.exists(LEASE)


async def test_an_outage_of_redis_is_waited_out(
    store: MongoStore, redis: Redis, redis_uri: str, mongo_uri: str
) -> None:
    encounter = OrderedIds()()
    await emit(store, encounter, 1)
    stopped = asyncio.Event()
    async with Redis.from_url("redis://127.0.0.1:1/0") as nowhere:
        working = relay(store, nowhere, redis_uri, mongo_uri)
        running = asyncio.create_task(working.run(stopped.is_set))
        await asyncio.sleep(0.5)
        assert not running.done()
        stopped.set()
        await running
    assert len(await Outbox(store.database).pending()) == 1


async def test_an_idle_relay_asks_for_its_lease_once_a_second(
    store: MongoStore, redis: Redis, redis_uri: str, mongo_uri: str
) -> None:
    stopping = asyncio.Event()
    working = asyncio.create_task(relay(store, redis, redis_uri, mongo_uri).run(stopping.is_set))
    async with asyncio.timeout(60):
        while not await redis.exists(LEASE):  # noqa: ASYNC110  over the wire
            await asyncio.sleep(0.02)
    await redis.config_resetstat()
    began = time.monotonic()
    await asyncio.sleep(2.5)
    told = await redis.info("commandstats")
    assert 1 <= told["cmdstat_get"]["calls"] <= time.monotonic() - began + 1
    stopping.set()
    await working
    assert not await redis.exists(LEASE)
