"""The application put together. Nothing is opened before its lifespan begins."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager

from fastapi import FastAPI
from redis.asyncio import Redis
from starlette.requests import Request

from aimed.engines import Circuits, make_engines, make_recording_transcriber
from aimed.fhir import open_fhir
from aimed.health import health_router
from aimed.hl7v2 import open_intake
from aimed.hl7v2_converter import mapping
from aimed.logging import RequestLog
from aimed.metrics import Metrics, metrics_router
from aimed.settings import Settings
from fhir_server import app as fhir_app
from fhir_server.clock import random_id, system_clock
from fhir_server.rest.caller import fhir_of
from integrations.hl7v2.administration import Hl7v2Administration
from integrations.hl7v2.feeds.figures import gauges
from integrations.hl7v2.http import destinations_router, hl7v2_router, messages_router
from integrations.hl7v2.outbound.administration import OutboundAdministration
from integrations.hl7v2.structure.pool import CheckingPool
from integrations.redis_events import RedisEventBus
from integrations.redis_limits import RedisLimiter
from pipelines.consultation.consultations import Consultations
from smart_app.consultations.routes import consultation_router
from smart_app.dashboard.routes import dashboard_router
from smart_app.gateway.routes import gateway_router
from smart_app.patients.routes import patients_router

_PATIENCE_SECONDS = 2.0


def create_app(settings: Settings) -> FastAPI:
    """The API with dashboard and sockets, as every process and every test runs it."""
    metrics = Metrics()
    app = FastAPI(
        title="AI Med",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        lifespan=_lifespan(settings, metrics),
    )
    fhir_app.mount(app, random_id)
    app.include_router(health_router())
    app.include_router(consultation_router())
    app.include_router(patients_router())
    app.include_router(gateway_router(settings.http.origins))
    app.include_router(dashboard_router())
    app.include_router(hl7v2_router(settings.hl7v2))
    app.include_router(messages_router())
    app.include_router(destinations_router())
    if token := settings.metrics.token.get_secret_value():
        app.include_router(metrics_router(metrics, token, fresh=_feeds_into(metrics, settings)))
    app.add_middleware(RequestLog, new_id=random_id, observe=metrics.request)
    return app


def _feeds_into(metrics: Metrics, settings: Settings) -> Callable[[Request], Awaitable[None]]:
    async def fresh(request: Request) -> None:
        database = fhir_of(request).server.store.database
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                found = await gauges(database, settings.hl7v2, system_clock())
        except Exception:
            # The other figures are told while the database is away, and old ones of feeds are not.
            found = {}
        metrics.feeds(found)

    return fresh


def _lifespan(
    settings: Settings, metrics: Metrics
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        redis = Redis.from_url(settings.redis_uri)
        try:
            async with open_fhir(settings, RedisLimiter(redis)) as fhir:
                circuits = Circuits(settings.engines.policy, metrics)
                # Certificate authorities and prompts are read from files.
                engines = await asyncio.to_thread(make_engines, settings, circuits, metrics)
                second = make_recording_transcriber(settings)
                consultations = Consultations(
                    fhir.server.store,
                    transcriber=engines.transcriber,
                    drafter=engines.drafter,
                    bus=RedisEventBus(redis, clock=system_clock),
                    clock=system_clock,
                    ids=random_id,
                    settings=settings.consultation,
                    meter=metrics,
                    second_engine=second.name if second else None,
                )
                await engines.warm()
                await consultations.prepare()
                await consultations.recover()
                app.state.fhir = fhir
                app.state.redis = redis
                app.state.consultations = consultations
                checking = CheckingPool(settings.hl7v2.structure)
                app.state.hl7v2_administration = Hl7v2Administration(
                    fhir,
                    settings.hl7v2,
                    await mapping(settings.hl7v2),
                    checking,
                    clock=system_clock,
                )
                app.state.hl7v2_outbound = OutboundAdministration(
                    fhir.server.store.database,
                    settings.hl7v2.outbound.destinations,
                    clock=system_clock,
                )
                watching = asyncio.create_task(engines.transcriber.watch())
                async with (
                    aclosing(checking),
                    open_intake(fhir.server.store.database, settings.hl7v2) as intake,
                ):
                    app.state.hl7v2_intake = intake
                    yield
                watching.cancel()
                await consultations.aclose()
        finally:
            await redis.aclose()

    return lifespan
