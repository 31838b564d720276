"""Celery: what outlives a request. Tasks run an async core on an event loop of their own."""

from __future__ import annotations

import asyncio
from typing import Any

import structlog
from celery import Celery

from aimed.fhir import open_fhir
from aimed.settings import Settings
from fhir_server.clock import system_clock
from pipelines.consultation.closing import close
from pipelines.note import RulesDrafter

CLOSE_CONSULTATION = "consultation.close"
_ATTEMPTS = 10
_log = structlog.get_logger("aimed.worker")


def make_celery(settings: Settings) -> Celery:
    """The Celery app. A job is acknowledged when done, so a killed worker's job runs again."""
    app = Celery("aimed", broker=settings.redis_uri, set_as_current=False)
    app.conf.update(
        accept_content=["json"],
        task_serializer="json",
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_ignore_result=True,
        task_default_queue="aimed",
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=False,
        broker_connection_retry_on_startup=True,
        # Seconds until a killed worker's job is given out again. One that takes longer is given
        # out twice, which is harmless: a consultation that is closed stays as it is.
        broker_transport_options={"visibility_timeout": 60},
    )

    # Celery has no types.
    @app.task(name=CLOSE_CONSULTATION, bind=True, max_retries=_ATTEMPTS)  # type: ignore[untyped-decorator]
    def close_consultation(task: Any, encounter: str) -> None:
        try:
            done = asyncio.run(_close(settings, encounter))
        except Exception as error:
            _log.error("closing failed", encounter=encounter, fault=type(error).__name__)
            wait = min(2**task.request.retries, 60)
            # The text of an error may hold patient data; Celery logs what a retry carries.
            raise task.retry(countdown=wait, exc=RuntimeError(type(error).__name__)) from None
        _log.info("closed", encounter=encounter, done=done)

    return app


async def _close(settings: Settings, encounter: str) -> bool:
    async with open_fhir(settings) as fhir:
        return await close(
            encounter, store=fhir.server.store, drafter=RulesDrafter(), clock=system_clock
        )
