"""A consultation that is signed leads to its messages; before the signature no note leaves."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from fhir_server.clock import system_clock
from fhir_server.store.connection import Database
from integrations.hl7v2.message import parse
from integrations.hl7v2.store.outbound_queue import OutboundQueue
from integrations.redis_events import RedisEventBus
from pipelines.consultation.closing import close
from pipelines.note import RulesDrafter
from pipelines.settings import ConsultationSettings
from tests.integrations.hl7v2.outbound.chart import destination
from tests.integrations.hl7v2.outbound.sending import open_store, plan
from tests.pipelines.consultation.clinic import (
    CALLER,
    PATIENT,
    SECOND,
    TWO,
    Clinic,
    Line,
    Script,
    eventually,
)


@pytest.fixture
async def clinic(database: Database, redis_uri: str) -> AsyncIterator[Clinic]:
    async with Redis.from_url(redis_uri) as redis:
        store = await open_store(database)
        settings = ConsultationSettings(note_debounce_seconds=0.02, retry_seconds=0.01)
        clinic = Clinic(store, RedisEventBus(redis, clock=system_clock), Script(), settings)
        await clinic.process().prepare()
        await store.transact(lambda unit: unit.put(PATIENT))
        yield clinic
        for process in clinic.running:
            await process.aclose()


async def test_the_note_leaves_when_it_is_signed(clinic: Clinic) -> None:
    clinic.script.lines = [
        Line(0, 0.2, 1.6, "What brings you in today?"),
        Line(1, 1.8, 3.6, "I have had a bad cough for three days."),
        Line(0, 4.0, 5.8, "Your blood pressure is 182 over 95."),
    ]
    consultations = clinic.process()
    encounter = await clinic.begin(consultations, TWO)
    microphone = await consultations.microphone(encounter, TWO)
    for number in range(7):
        await microphone.append(number, SECOND * 2)

    async def noted() -> bool:
        return (await consultations.find(encounter)).note is not None

    await eventually(noted)
    await consultations.stop(encounter)

    async def drained() -> bool:
        return (await consultations.find(encounter)).drained

    await eventually(drained)
    assert await close(encounter, store=clinic.store, drafter=RulesDrafter(), clock=system_clock)
    lab = destination(messages=["MDM", "ORU", "ADT"])
    before = [one.trigger for one in await plan(clinic.store, lab)]
    assert before == ["ADT^A28", "ADT^A04", "ADT^A03"]
    await consultations.sign(encounter, CALLER)
    after = (await plan(clinic.store, lab))[len(before) :]
    assert sorted(one.trigger for one in after) == ["MDM^T02", "ORU^R01"]
    queue = OutboundQueue(clinic.store.database)
    read = [await queue.read(one.id) for one in after]
    documents = [parse(one.payload) for one in read if one and one.trigger == "MDM^T02"]
    txa = documents[0].first("TXA")
    assert txa
    assert (txa.text("17"), txa.text("19")) == ("LA", "AV")
    assert txa.text("22.2") == CALLER.display
    text = "\n".join(one.text("5") for one in documents[0].all("OBX"))
    assert "bad cough for three days" in text
    results = [parse(one.payload) for one in read if one and one.trigger == "ORU^R01"]
    assert [one.text("5") for one in results[0].all("OBX")] == ["182", "95"]
