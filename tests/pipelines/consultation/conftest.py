"""A consultation on a real store and real Redis."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from fhir_server.clock import random_id, system_clock
from fhir_server.store import MongoStore
from fhir_server.store.connection import Database
from integrations.redis_events import RedisEventBus
from pipelines.settings import ConsultationSettings
from tests.pipelines.consultation.clinic import ALLERGY, PATIENT, Clinic, Script


@pytest.fixture
async def clinic(database: Database, redis_uri: str) -> AsyncIterator[Clinic]:
    redis = Redis.from_url(redis_uri)
    store = MongoStore(database, clock=system_clock, ids=random_id)
    await store.prepare()
    settings = ConsultationSettings(note_debounce_seconds=0.02, retry_seconds=0.01)
    clinic = Clinic(store, RedisEventBus(redis, clock=system_clock), Script(), settings)
    await clinic.process().prepare()
    await store.transact(lambda unit: unit.put(PATIENT))
    await store.transact(lambda unit: unit.put(ALLERGY))
    yield clinic
    for process in clinic.running:
        await process.aclose()
    await redis.aclose()
