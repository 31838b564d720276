"""A queue and a destination that does not do what it should: nothing lost, nothing out of order."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from datetime import timedelta
from typing import Any

import pytest
import structlog
from blockbuster import BlockBuster

from fhir_server.store import MongoStore
from fhir_server.store.connection import Database
from integrations.hl7v2.outbound.administration import MessageQuery, OutboundAdministration
from integrations.hl7v2.outbound.peers import peer_of
from integrations.hl7v2.outbound.sender import IDLE_SECONDS, Sender
from integrations.hl7v2.outbound.settings import DestinationSettings
from integrations.hl7v2.outbound.watching import Watch
from integrations.hl7v2.store.outbound_queue import OutboundQueue, QueuedMessage, State
from tests.integrations.hl7v2.destinations import Scripted, scripted
from tests.integrations.hl7v2.outbound.chart import AT, destination
from tests.integrations.hl7v2.outbound.sending import Clock, open_store, sender

Resource = dict[str, Any]
MILLISECOND = timedelta(milliseconds=1)
"""How exactly the database keeps times."""


@pytest.fixture
async def store(database: Database) -> MongoStore:
    return await open_store(database)


@pytest.fixture(autouse=True)
def watched(store: MongoStore, no_blocking: BlockBuster) -> None:
    """Blocking fails once the store is open."""


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def server() -> AsyncIterator[Scripted]:
    async with scripted() as made:
        yield made


def payload(id: str) -> bytes:
    return f"MSH|^~\\&|AIMED||LAB||2026||ADT^A08^ADT_A01|{id}|P|2.5.1\rPID|1||Zebra\r".encode()


async def fill(store: MongoStore, ids: Iterable[str], name: str = "lab", **changes: Any) -> None:
    queue = OutboundQueue(store.database)
    for id in ids:
        fields: dict[str, Any] = {
            "id": f"{name}/{id}/ADT^A08",
            "destination": name,
            "position": id,
            "state": "queued",
            "trigger": "ADT^A08",
            "control_id": id,
            "patient": "Patient/p1",
            "resource": "Patient/p1",
            "version": 1,
            "sources": (),
            "event": "update",
            "happened": AT,
            "created": AT,
            "due": AT,
            "payload": payload(id),
        }
        assert await queue.add(QueuedMessage(**{**fields, **changes}))


async def states(store: MongoStore) -> dict[str, State]:
    listed = await OutboundQueue(store.database).page({}, count=100)
    return {one.control_id: one.state for one in listed}


async def work(sending: Sender, clock: Clock, steps: int) -> None:
    """Steps, each after what it had to wait for."""
    for _ in range(steps):
        if await sending.step() > 0:
            clock.ahead += timedelta(minutes=10)


def at(server: Scripted, **changes: Any) -> DestinationSettings:
    return destination(**{"port": server.port, "ack_seconds": 60, **changes})


async def test_messages_leave_in_their_order(
    store: MongoStore, server: Scripted, clock: Clock
) -> None:
    await fill(store, ["c", "a", "e", "b", "d"])
    sending = sender(store, at(server), clock)
    await work(sending, clock, 5)
    assert await sending.step() == IDLE_SECONDS
    await sending.aclose()
    assert server.ids == ["a", "b", "c", "d", "e"]
    assert set((await states(store)).values()) == {"acknowledged"}


@pytest.mark.parametrize(
    "does", ["silent", "half", "close", "garbage", "wrong", "late", "AE", "CE"]
)
async def test_what_was_not_accepted_is_sent_again_before_the_next(
    store: MongoStore, server: Scripted, clock: Clock, does: str
) -> None:
    server.script = [does]
    await fill(store, ["a", "b"])
    silent = {"ack_seconds": 0.3} if does in ("silent", "half", "late") else {}
    sending = sender(store, at(server, **silent), clock)
    await work(sending, clock, 1)
    assert (await states(store))["a"] == "queued"
    assert await sending.step() > 0  # it waits, and so does the next one
    assert server.ids == ["a"]
    server.release.set()
    sending._client._peer = peer_of(at(server))  # what comes now is no question of time
    await work(sending, clock, 4)
    await sending.aclose()
    assert server.ids == ["a", "a", "b"]
    (_, first), (_, again), _ = server.received
    assert first == again
    assert set((await states(store)).values()) == {"acknowledged"}


@pytest.mark.parametrize("code", ["AR", "CR"])
async def test_what_is_rejected_is_put_aside_and_the_next_goes_on(
    store: MongoStore, server: Scripted, clock: Clock, code: str
) -> None:
    server.script = [code]
    await fill(store, ["a", "b"])
    sending = sender(store, at(server), clock)
    await work(sending, clock, 2)
    await sending.aclose()
    assert await states(store) == {"a": "dead", "b": "acknowledged"}
    found = await OutboundQueue(store.database).read("lab/a/ADT^A08")
    assert found
    assert (found.code, found.reason) == (code, code)
    assert b"MSA|" + code.encode() in found.answer


async def test_waits_grow_and_attempts_end(
    store: MongoStore, server: Scripted, clock: Clock
) -> None:
    server.script = ["AE"] * 3
    await fill(store, ["a", "b"])
    settings = at(server, retry={"first_seconds": 10, "longest_seconds": 15, "attempts": 3})
    sending, queue = sender(store, settings, clock), OutboundQueue(store.database)
    for wait in (timedelta(seconds=10), timedelta(seconds=15)):
        before = clock()
        await sending.step()
        head = await queue.oldest("lab")
        assert head
        assert before + wait - MILLISECOND <= head.due <= clock() + wait
        clock.ahead += timedelta(seconds=20)
    await sending.step()
    await sending.step()
    await sending.aclose()
    assert await states(store) == {"a": "dead", "b": "acknowledged"}
    found = await queue.read("lab/a/ADT^A08")
    assert found
    assert [one["outcome"] for one in found.trace] == ["AE", "AE", "AE"]
    assert found.error == "204"


async def test_at_the_end_of_its_attempts_a_queue_may_stand_still_instead(
    store: MongoStore, server: Scripted, clock: Clock
) -> None:
    server.script = ["silent"]
    await fill(store, ["a", "b"])
    settings = at(server, ack_seconds=0.3, retry={"attempts": 1, "exhausted": "pause"})
    sending = sender(store, settings, clock)
    await work(sending, clock, 3)
    assert server.ids == ["a"]
    administration = OutboundAdministration(store.database, [settings], clock=clock)
    (figures,) = await administration.destinations()
    assert (figures.paused, figures.reason) == (True, "not answered: timeout")
    await administration.resume("lab")
    sending._client._peer = peer_of(at(server))
    await work(sending, clock, 2)
    await sending.aclose()
    assert server.ids == ["a", "a", "b"]


async def test_a_destination_that_is_not_there_uses_up_no_attempts(
    store: MongoStore, server: Scripted, clock: Clock
) -> None:
    await fill(store, ["a"])
    nowhere = sender(store, at(server, port=1, retry={"attempts": 2}), clock)
    await work(nowhere, clock, 8)
    assert await states(store) == {"a": "queued"}
    head = await OutboundQueue(store.database).oldest("lab")
    assert head
    assert head.attempts == 0
    assert head.reason.startswith("not connected")
    sending = sender(store, at(server), clock)
    await work(sending, clock, 1)
    await sending.aclose()
    assert await states(store) == {"a": "acknowledged"}


async def test_a_message_with_a_framing_byte_never_leaves(
    store: MongoStore, server: Scripted, clock: Clock
) -> None:
    await fill(store, ["a"], payload=payload("a") + b"\x1c\rNTE|1")
    await fill(store, ["b"])
    sending = sender(store, at(server), clock)
    await work(sending, clock, 2)
    await sending.aclose()
    assert await states(store) == {"a": "dead", "b": "acknowledged"}
    assert server.ids == ["b"]


async def test_pause_resume_resend_and_withdraw(
    store: MongoStore, server: Scripted, clock: Clock
) -> None:
    server.script = ["AR", "AR"]
    await fill(store, ["a", "b", "c", "d"])
    settings = at(server)
    sending = sender(store, settings, clock)
    administration = OutboundAdministration(store.database, [settings], clock=clock)
    await work(sending, clock, 2)
    await administration.pause("lab")
    assert await sending.step() == IDLE_SECONDS
    (figures,) = await administration.destinations()
    assert (figures.backlog, figures.dead, figures.paused) == (2, 2, True)
    assert await administration.withdraw("lab/c/ADT^A08")
    assert await administration.resend_dead("lab") == 2
    await administration.resume("lab")
    await work(sending, clock, 4)
    assert await administration.resend(["lab/a/ADT^A08"]) == 1
    await work(sending, clock, 1)
    await sending.aclose()
    assert server.ids == ["a", "b", "a", "b", "d", "a"]
    query = MessageQuery(destination="lab", state="withdrawn")
    assert [one.control_id for one in await administration.messages(query)] == ["c"]
    page = await administration.messages(MessageQuery(patient="Patient/p1", count=3))
    rest = await administration.messages(MessageQuery(count=3, after=page[-1].position))
    assert [one.control_id for one in [*page, *rest]] == ["d", "c", "b", "a"]
    assert page[0].payload == b""
    assert (await administration.message("lab/d/ADT^A08")).payload == payload("d")


async def test_the_log_warns_once_and_holds_nothing_of_a_patient(
    store: MongoStore, server: Scripted, clock: Clock
) -> None:
    server.script = ["AE"]
    settings = at(server, warn={"backlog": 2, "oldest_seconds": 60, "silence_seconds": 60})
    with structlog.testing.capture_logs() as logs:
        watch = Watch(store.database, [settings], clock=clock)
        await watch.look()
        assert logs == []
        await fill(store, ["a", "b"])
        clock.ahead += timedelta(minutes=5)
        for _ in range(2):
            await watch.look()
        warned = [one["event"].rpartition(" ")[2] for one in logs]
        assert warned == ["backlog", "oldest", "silence"]
        sending = sender(store, settings, clock)
        await work(sending, clock, 4)
        await sending.aclose()
        logs.clear()
        await watch.look()
        assert [one["event"] for one in logs] == [
            f"destination in order again: {name}" for name in ("backlog", "oldest", "silence")
        ]
    assert "Zebra" not in str(logs)


async def test_gauges(store: MongoStore, server: Scripted, clock: Clock) -> None:
    await fill(store, ["a", "b"], created=clock() - timedelta(seconds=90))
    administration = OutboundAdministration(store.database, [at(server)], clock=clock)
    found = await administration.gauges()
    assert found["lab.backlog"] == 2
    assert 90 <= found["lab.oldest_seconds"] < 120
    assert found["lab.paused"] == found["lab.dead"] == found["events.waiting"] == 0


async def test_what_was_acknowledged_is_forgotten_after_a_while(
    store: MongoStore, server: Scripted, clock: Clock
) -> None:
    await fill(store, ["a", "b"])
    sending = sender(store, at(server), clock)
    await work(sending, clock, 1)
    await sending.aclose()
    queue = OutboundQueue(store.database)
    assert await queue.remove_expired(clock() + timedelta(days=29)) == 0
    assert await queue.remove_expired(clock() + timedelta(days=31)) == 1
    assert await states(store) == {"b": "queued"}
