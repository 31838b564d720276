"""From a FHIR write to a destination's acknowledgement, on real databases and real servers."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from redis.asyncio import Redis

from aimed.celery_app import make_celery
from aimed.relay import LEASE, Relay
from aimed.settings import Settings
from fhir_server.clock import system_clock
from fhir_server.store import MongoStore, Outbox
from fhir_server.store.connection import Database
from integrations.hl7v2.message import parse
from integrations.hl7v2.outbound.administration import MessageQuery, OutboundAdministration
from integrations.hl7v2.outbound.changes import FhirChanges
from integrations.hl7v2.outbound.tables import message_types
from integrations.hl7v2.store.outbound_events import OutboundEvents
from integrations.hl7v2.store.outbound_queue import OutboundQueue
from integrations.hl7v2.store.senders import MessageSenders
from integrations.redis_events import RedisEventBus
from tests.integrations.hl7v2.destinations import (
    control_id_of,
    hl7apy_server,
    python_hl7_server,
    scripted,
)
from tests.integrations.hl7v2.outbound.chart import (
    APPOINTMENT,
    DOCTOR,
    ENCOUNTER,
    NOTE,
    PATIENT,
    POTASSIUM,
    PRESSURE,
    REPORT,
    SURVIVOR,
    destination,
)
from tests.integrations.hl7v2.outbound.sending import (
    hand_over,
    open_store,
    plan,
    planner,
    running,
    write,
)

ALL = ["MDM", "ORU", "ADT", "SIU"]
VISIT: list[dict[str, Any]] = [
    PATIENT,
    DOCTOR,
    ENCOUNTER,
    {**NOTE, "status": "preliminary"},
    NOTE,
    {**NOTE, "status": "amended"},
    PRESSURE,
    {**ENCOUNTER, "status": "finished"},
    APPOINTMENT,
    {**PATIENT, "birthDate": "1980-01-02"},
]
LEADS_TO = [
    "ADT^A28",
    "ADT^A04",
    "MDM^T02",
    "MDM^T08",
    "ORU^R01",
    "ADT^A03",
    "SIU^S12",
    "ADT^A31",
]


@pytest.fixture
async def store(database: Database) -> MongoStore:
    return await open_store(database)


def kinds(received: list[str]) -> list[str]:
    headers = [parse(one.encode()).header for one in received]
    return [f"{one.type}^{one.trigger}" for one in headers]


async def all_acknowledged(store: MongoStore, count: int) -> None:
    queue = OutboundQueue(store.database)
    async with asyncio.timeout(60):
        while True:
            counts = await queue.counts()
            if sum(one.get("acknowledged", 0) for one in counts.values()) == count:
                return
            await asyncio.sleep(0.05)


async def test_a_visit_at_two_servers_of_others(store: MongoStore) -> None:
    with hl7apy_server() as (one_message, at_hl7apy):
        async with python_hl7_server() as (many_messages, at_python_hl7):
            lab = destination(port=one_message, messages=ALL, connection="each", document="both")
            ris = destination(name="ris", port=many_messages, messages=ALL)
            await write(store, *VISIT)
            await hand_over(store)
            async with running(store, lab, ris):
                await all_acknowledged(store, 2 * len(LEADS_TO))
            assert kinds(at_hl7apy) == kinds(at_python_hl7) == LEADS_TO


async def test_the_same_row_twice_is_one_message(store: MongoStore) -> None:
    lab = destination(messages=ALL)
    await write(store, PATIENT, DOCTOR, ENCOUNTER, NOTE)
    rows = await Outbox(store.database).pending()
    first = await plan(store, lab)
    changes = FhirChanges(OutboundEvents(store.database), message_types())
    for row in rows:  # the relay was killed before it forgot them
        await changes.take(row)
    again = await plan(store, lab)
    assert [one.trigger for one in first] == ["ADT^A28", "ADT^A04", "MDM^T02"]
    assert again == first


async def test_the_relay_hands_changes_over(
    store: MongoStore, redis_uri: str, mongo_uri: str
) -> None:
    await write(store, PATIENT, DOCTOR)
    async with Redis.from_url(redis_uri) as redis:
        await redis.delete(LEASE)
        changes = FhirChanges(OutboundEvents(store.database), message_types())
        relay = Relay(
            Outbox(store.database),
            RedisEventBus(redis, clock=system_clock),
            redis,
            make_celery(Settings().at(mongo=mongo_uri, redis=redis_uri)),
            name="r",
            receivers=(changes.take,),
        )
        assert await relay.deliver() == 2
    events = await OutboundEvents(store.database).oldest(10)
    assert [one.resource for one in events] == ["Patient/p1"]
    assert [one.trigger for one in await plan(store, destination(messages=ALL))] == ["ADT^A28"]


async def test_a_message_tells_what_was_true_when_it_happened(store: MongoStore) -> None:
    await write(store, PATIENT, {**PATIENT, "gender": "other"})
    first, second = await plan(store, destination(messages=ALL))
    pids = [parse(one.payload or b"").first("PID") for one in await _whole(store, first, second)]
    assert [one.text("8") for one in pids if one] == ["F", "O"]


async def _whole(store: MongoStore, *messages: Any) -> list[Any]:
    queue = OutboundQueue(store.database)
    return [await queue.read(one.id) for one in messages]


async def test_a_result_with_its_report_goes_once(store: MongoStore) -> None:
    async def together(unit: Any) -> None:
        for one in (PATIENT, PRESSURE, POTASSIUM, REPORT):
            await unit.put(one)

    await store.transact(together)
    messages = await plan(store, destination(messages=["ORU"]))
    assert [one.resource for one in messages] == ["DiagnosticReport/r1"]


async def test_what_a_destination_does_not_want_is_not_queued(store: MongoStore) -> None:
    await write(store, *VISIT)
    lab = destination(messages=["ADT^A03", "SIU"])
    assert [one.trigger for one in await plan(store, lab)] == ["ADT^A03", "SIU^S12"]


async def test_a_change_from_a_system_is_not_sent_back_to_it(store: MongoStore) -> None:
    message = {"_id": "m1", "app": "LAB", "facility": "CITY"}
    await store.database["hl7v2_messages"].insert_one(message)
    came_in = {**PATIENT, "meta": {"source": "urn:aimed:hl7v2:message:m1"}}
    changed_here = {**came_in, "gender": "other"}
    await write(store, came_in, changed_here)
    lab = destination(messages=ALL, receiving_facility="CITY")
    other = destination(name="ris", messages=ALL, receiving_application="RIS")
    also = destination(name="pas", messages=ALL, not_from=["LAB|CITY"])
    await hand_over(store)
    working = planner(store, lab, other, also, senders=MessageSenders(store.database).sender)
    assert await working.plan() == 2
    found = await OutboundQueue(store.database).page({}, count=10)
    assert sorted((one.destination, one.trigger) for one in found) == [
        ("lab", "ADT^A31"),
        ("pas", "ADT^A31"),
        ("ris", "ADT^A28"),
        ("ris", "ADT^A31"),
    ]


async def test_what_cannot_be_made_holds_up_nobody_and_is_made_anew(store: MongoStore) -> None:
    lab = destination(messages=["MDM"])
    await write(store, DOCTOR, ENCOUNTER, NOTE, {**NOTE, "id": "c2", "subject": None})
    administration = OutboundAdministration(store.database, [lab], clock=system_clock)
    await plan(store, lab)
    dead = await administration.messages(MessageQuery(state="dead"))
    assert [one.reason for one in dead] == ["nothing to make PID of"] * 2
    assert await administration.resend([one.id for one in dead]) == 0
    await write(store, PATIENT)
    note = next(one for one in dead if one.resource == "Composition/c1")
    await administration.make_anew(note.id)
    await plan(store, lab)
    queued = await administration.messages(MessageQuery(state="queued"))
    assert [one.resource for one in queued] == ["Composition/c1"]


async def test_of_two_processes_one_sends_and_order_is_kept(store: MongoStore) -> None:
    async with scripted() as server:
        lab = destination(port=server.port, messages=["ADT"])
        async with running(store, lab), running(store, lab, owner="two"):
            for number in range(1, 21):
                await write(store, {**SURVIVOR, "multipleBirthInteger": number})
            await hand_over(store)
            await all_acknowledged(store, 20)
    births = [parse(frame).first("PID") for _, frame in server.received]
    assert [one.text("25") for one in births if one] == [str(n) for n in range(1, 21)]
    assert server.connections == 1


async def test_the_next_process_goes_on_at_once_when_one_ends(store: MongoStore) -> None:
    async with scripted() as server:
        lab = destination(port=server.port, messages=["ADT"])
        await write(store, PATIENT)
        await hand_over(store)
        async with running(store, lab):
            await all_acknowledged(store, 1)
        await write(store, SURVIVOR)
        await hand_over(store)
        async with running(store, lab, owner="two"), asyncio.timeout(12):
            await server.until(2)
    assert server.connections == 2
    assert len({control_id_of(frame) for _, frame in server.received}) == 2
