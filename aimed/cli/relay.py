"""`aimed relay`: delivers the outbox."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from typing import Annotated

import typer
from redis.asyncio import Redis

from aimed.logging import configure_logging
from aimed.settings import Settings


def relay(
    check: Annotated[
        bool, typer.Option("--check", help="Ask whether a relay is at work, for health checks.")
    ] = False,
) -> None:
    """Turn outbox rows into events, jobs and changes. Several may run; one works."""
    settings = Settings()
    if check:
        sys.exit(0 if asyncio.run(_at_work(settings)) else 1)
    configure_logging(settings.log_format)
    asyncio.run(_relay(settings))


async def _relay(settings: Settings) -> None:
    from aimed.celery_app import make_celery
    from aimed.relay import Relay
    from fhir_server.clock import system_clock
    from fhir_server.store import Outbox
    from fhir_server.store.connection import connect
    from integrations.redis_events import RedisEventBus

    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with connect(settings.mongo_uri) as client, Redis.from_url(settings.redis_uri) as redis:
        relay = Relay(
            Outbox(client[settings.mongo.database]),
            RedisEventBus(redis, clock=system_clock),
            redis,
            make_celery(settings),
            name=f"{socket.gethostname()}:{os.getpid()}",
        )
        await relay.run(stopped.is_set)


async def _at_work(settings: Settings) -> bool:
    from aimed.relay import LEASE

    async with Redis.from_url(settings.redis_uri) as redis:
        return bool(await redis.exists(LEASE))
