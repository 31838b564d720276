"""The application put together. Nothing is opened before its lifespan begins."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import FastAPI
from redis.asyncio import Redis

from aimed.fhir import open_fhir
from aimed.health import health_router
from aimed.logging import RequestLog
from aimed.settings import Settings
from fhir_server import app as fhir_app
from fhir_server.clock import random_id, system_clock
from integrations.redis_events import RedisEventBus
from integrations.redis_limits import RedisLimiter
from integrations.whisper.transcriber import WhisperTranscriber
from pipelines.consultation.consultations import Consultations
from pipelines.note import RulesDrafter
from smart_app.consultations.routes import consultation_router
from smart_app.dashboard.routes import dashboard_router
from smart_app.gateway.routes import gateway_router


def create_app(settings: Settings) -> FastAPI:
    """The API with dashboard and sockets, as every process and every test runs it."""
    app = FastAPI(
        title="AI Med",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        lifespan=_lifespan(settings),
    )
    fhir_app.mount(app, random_id)
    app.include_router(health_router())
    app.include_router(consultation_router())
    app.include_router(gateway_router(settings.http.origins))
    app.include_router(dashboard_router())
    app.add_middleware(RequestLog, new_id=random_id)
    return app


def _lifespan(settings: Settings) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        redis = Redis.from_url(settings.redis_uri)
        try:
            async with open_fhir(settings, RedisLimiter(redis)) as fhir:
                transcriber = WhisperTranscriber(settings.whisper)
                consultations = Consultations(
                    fhir.server.store,
                    transcriber=transcriber,
                    drafter=RulesDrafter(),
                    bus=RedisEventBus(redis, clock=system_clock),
                    clock=system_clock,
                    ids=random_id,
                    settings=settings.consultation,
                )
                await transcriber.warm()
                await consultations.prepare()
                await consultations.recover()
                app.state.fhir = fhir
                app.state.redis = redis
                app.state.consultations = consultations
                yield
                await consultations.aclose()
        finally:
            await redis.aclose()

    return lifespan
