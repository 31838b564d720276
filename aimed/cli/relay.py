"""`aimed relay`: delivers the outbox, and does the periodic duties."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from typing import Annotated

import typer
from redis.asyncio import Redis

from aimed.encryption import check_encryption
from aimed.logging import configure_logging
from aimed.settings import Settings


def relay(
    check: Annotated[
        bool, typer.Option("--check", help="Ask whether a relay is at work, for health checks.")
    ] = False,
) -> None:
    """Deliver the outbox and do the periodic duties. Several may run; one works."""
    settings = Settings()
    if check:
        sys.exit(0 if asyncio.run(_at_work(settings)) else 1)
    configure_logging(settings.log_format)
    asyncio.run(check_encryption(settings))
    asyncio.run(_relay(settings))


async def _relay(settings: Settings) -> None:
    from aimed.celery_app import make_celery
    from aimed.duties.schedule import Schedule
    from aimed.duties.table import duties
    from aimed.fhir import open_fhir
    from aimed.hl7v2_outbound import receivers
    from aimed.relay import Relay
    from fhir_server.clock import system_clock
    from fhir_server.store import Outbox
    from fhir_server.store.duties import DutyStore
    from integrations.redis_events import RedisEventBus

    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with open_fhir(settings) as fhir, Redis.from_url(settings.redis_uri) as redis:
        database = fhir.server.store.database
        relay = Relay(
            Outbox(database),
            RedisEventBus(redis, clock=system_clock),
            redis,
            make_celery(settings),
            name=f"{socket.gethostname()}:{os.getpid()}",
            receivers=receivers(settings, database),
        )
        table = duties(fhir, settings, system_clock)
        schedule = Schedule(table, DutyStore(database), clock=system_clock)
        async with asyncio.TaskGroup() as both:
            both.create_task(relay.run(stopped.is_set))
            both.create_task(schedule.run(stopped))


async def _at_work(settings: Settings) -> bool:
    from aimed.relay import LEASE

    async with Redis.from_url(settings.redis_uri) as redis:
        return bool(await redis.exists(LEASE))
