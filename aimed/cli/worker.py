"""`aimed worker`: does the jobs that outlive a request."""

from __future__ import annotations

import asyncio
import sys
from typing import Annotated

import typer

from aimed.encryption import check_encryption
from aimed.logging import configure_logging
from aimed.settings import Settings

_PATIENCE_SECONDS = 10


def worker(
    check: Annotated[
        bool, typer.Option("--check", help="Ask whether a worker answers, for health checks.")
    ] = False,
) -> None:
    """Close consultations and do other jobs from the queue."""
    from celery.signals import setup_logging
    from prometheus_client import start_http_server

    from aimed.celery_app import make_celery
    from aimed.metrics import Metrics

    settings = Settings()
    if check:
        # A worker in the middle of a job answers after it: the caller tries several times.
        control = make_celery(settings).control
        answers = control.broadcast("ping", reply=True, limit=1, timeout=_PATIENCE_SECONDS)
        sys.exit(0 if answers else 1)
    configure_logging(settings.log_format)
    asyncio.run(check_encryption(settings))
    # With a receiver Celery leaves logging alone: its own would print the text of exceptions.
    setup_logging.connect(_keep_ours, weak=False)
    # solo: one job at a time in this process, so that killing it leaves no half of it behind.
    metrics = Metrics()
    if settings.metrics.worker_port is not None:
        start_http_server(settings.metrics.worker_port, addr="127.0.0.1", registry=metrics.registry)
    running = make_celery(settings, metrics).Worker(
        pool="solo", loglevel="WARNING", without_gossip=True, without_mingle=True, quiet=True
    )
    running.start()
    sys.exit(running.exitcode)


def _keep_ours(**_: object) -> None:
    return
