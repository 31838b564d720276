"""Celery: what outlives a request. Tasks run an async core on an event loop of their own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import structlog
from celery import Celery
from redis.asyncio import Redis

from aimed.engines import Circuits, make_engines, make_recording_transcriber
from aimed.fhir import open_fhir
from aimed.mail import send_notice, send_password_reset
from aimed.metrics import Metrics
from aimed.settings import Settings
from fhir_server.auth.identity.notices import NOTICE
from fhir_server.auth.identity.password_reset import RESET
from fhir_server.clock import random_id, system_clock
from fhir_server.errors import ResourceNotFound
from integrations.redis_events import RedisEventBus
from pipelines.consultation.finishing import close_or_wait, finish
from pipelines.consultation.moving import MOVE, move_recording
from pipelines.consultation.note_writing import NoteStore
from pipelines.consultation.retranscribing import RETRANSCRIBE, abandon, retranscribe
from pipelines.consultation.services import Services
from pipelines.consultation.stopping import CLOSE, FINISH, order_finishing
from pipelines.engines.policy import NoEngine

CLOSE_CONSULTATION = CLOSE
FINISH_CONSULTATION = FINISH
_LONGEST_WAIT = 30
"""Between two attempts at a consultation that waits for an engine. Below the visibility time-out,
so that a job that waits is not given out twice."""
_ATTEMPTS = 10
_KEEP_WAIT = 50
_KEEP_ATTEMPTS = 30 * 24 * 3600 // _KEEP_WAIT
"""For a month: meanwhile a recording stays in the database."""
_MAIL_WAIT = 30
_MAIL_ATTEMPTS = 7 * 24 * 3600 // _MAIL_WAIT
"""For a week: a mail server that is down loses no mail. Below the visibility time-out, so that a
job that waits is not given out twice."""
_log = structlog.get_logger("aimed.worker")
Job = Callable[..., Callable[[Callable[..., None]], Any]]
"""Makes a job of a function, by its name and how often it is tried."""


def make_celery(settings: Settings, metrics: Metrics | None = None) -> Celery:
    """The Celery app. A job is acknowledged when done, so a killed worker's job runs again.

    `metrics` counts what its jobs do.
    """
    meter = metrics or Metrics()
    # Of the process, not of a job: what one job learns of an engine the next one knows.
    circuits = Circuits(settings.engines.policy, meter)
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

    # Celery has no types. Not shared: a second app of this process would run the first one's,
    # with its settings.
    job = partial(app.task, bind=True, shared=False)
    _consultation_jobs(job, settings, circuits)
    _mail_jobs(job, settings)
    _recording_jobs(job, settings, circuits)
    return app


def _consultation_jobs(job: Job, settings: Settings, circuits: Circuits) -> None:
    @job(name=CLOSE_CONSULTATION, max_retries=_ATTEMPTS)
    def close_consultation(task: Any, encounter: str) -> None:
        try:
            done = asyncio.run(_close(settings, circuits, encounter))
        except Exception as error:
            _log.error("closing failed", encounter=encounter, fault=type(error).__name__)
            wait = min(2**task.request.retries, 60)
            # The text of an error may hold patient data; Celery logs what a retry carries.
            raise task.retry(countdown=wait, exc=RuntimeError(type(error).__name__)) from None
        _log.info("closed", encounter=encounter, done=done)

    # Without an end: it waits until an engine works, however long that takes.
    @job(name=FINISH_CONSULTATION, max_retries=None)
    def finish_consultation(task: Any, encounter: str) -> None:
        try:
            done = asyncio.run(_finish(settings, circuits, encounter))
        except ResourceNotFound:
            _log.error("no such consultation", encounter=encounter)
            return
        except Exception as error:
            _log.warning("finishing waits", encounter=encounter, fault=type(error).__name__)
            wait = min(2 ** min(task.request.retries, 10), _LONGEST_WAIT)
            raise task.retry(countdown=wait, exc=RuntimeError(type(error).__name__)) from None
        _log.info("finished", encounter=encounter, done=done)


def _mail_jobs(job: Job, settings: Settings) -> None:
    @job(name=RESET, max_retries=_MAIL_ATTEMPTS)
    def password_reset(task: Any, address: str) -> None:
        _mail(task, send_password_reset(settings, address))

    @job(name=NOTICE, max_retries=_MAIL_ATTEMPTS)
    def notice(task: Any, name: str, to: str, username: str, moment: str) -> None:
        _mail(task, send_notice(settings, name, to, username, moment))


def _recording_jobs(job: Job, settings: Settings, circuits: Circuits) -> None:
    @job(name=MOVE, max_retries=_KEEP_ATTEMPTS)
    def move(task: Any, encounter: str) -> None:
        try:
            moved = asyncio.run(_move(settings, encounter))
        except Exception as error:
            _log.warning("recording stays", encounter=encounter, fault=type(error).__name__)
            wait = min(2**task.request.retries, _KEEP_WAIT)
            raise task.retry(countdown=wait, exc=RuntimeError(type(error).__name__)) from None
        _log.info("recording moved", encounter=encounter, moved=moved)

    @job(name=RETRANSCRIBE, max_retries=None)
    def again(task: Any, encounter: str, revision: int, waited: float = 0.0) -> None:
        batch = settings.aws.batch
        late = waited >= batch.give_up_seconds
        try:
            done = asyncio.run(_again(settings, circuits, encounter, revision, late=late))
        except Exception as error:
            _log.warning("retranscription waits", encounter=encounter, fault=type(error).__name__)
            done = False
        if not done:
            longer = batch.poll_seconds * 1.5 ** min(task.request.retries, 20)
            wait = min(longer, batch.poll_longest_seconds)
            kwargs = {"encounter": encounter, "revision": revision, "waited": waited + wait}
            raise task.retry(countdown=wait, kwargs=kwargs)
        _log.info("transcribed again", encounter=encounter, revision=revision)


def _mail(task: Any, sending: Coroutine[Any, Any, None]) -> None:
    try:
        asyncio.run(sending)
    except Exception as error:
        _log.warning("mail waits", job=task.name, fault=type(error).__name__)
        wait = min(2**task.request.retries, _MAIL_WAIT)
        raise task.retry(countdown=wait, exc=RuntimeError(type(error).__name__)) from None


async def _close(settings: Settings, circuits: Circuits, encounter: str) -> bool:
    async with _services(settings, circuits) as services:
        try:
            return await close_or_wait(services, encounter, moving=_moving(settings))
        except NoEngine:
            await order_finishing(services.store, encounter)
            return False


async def _finish(settings: Settings, circuits: Circuits, encounter: str) -> bool:
    async with _services(settings, circuits) as services:
        return await finish(services, encounter, moving=_moving(settings))


def _moving(settings: Settings) -> bool:
    return settings.aws.recordings.bucket is not None


@asynccontextmanager
async def _services(settings: Settings, circuits: Circuits) -> AsyncIterator[Services]:
    engines = make_engines(settings, circuits, circuits.meter)
    redis = Redis.from_url(settings.redis_uri)
    try:
        async with open_fhir(settings) as fhir:
            yield Services(
                store=fhir.server.store,
                transcriber=engines.transcriber,
                drafter=engines.drafter,
                bus=RedisEventBus(redis, clock=system_clock),
                clock=system_clock,
                ids=random_id,
                settings=settings.consultation,
                meter=circuits.meter,
            )
    finally:
        await redis.aclose()


async def _move(settings: Settings, encounter: str) -> bool:
    async with open_fhir(settings) as fhir:
        return await move_recording(encounter, fhir.server.store)


async def _again(
    settings: Settings, circuits: Circuits, encounter: str, revision: int, *, late: bool
) -> bool:
    engine = make_recording_transcriber(settings)
    drafter = make_engines(settings, circuits, circuits.meter).drafter
    async with open_fhir(settings) as fhir:
        services = NoteStore(fhir.server.store, drafter, system_clock)
        if engine is None or late:
            await abandon(encounter, revision, services)
            return True
        return await retranscribe(encounter, revision, services=services, engine=engine)
