"""The message store on a real database."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from fhir_server.store.connection import Database
from integrations.hl7v2.settings import RetentionSettings
from integrations.hl7v2.store import (
    Lease,
    MessageQuery,
    MessageStore,
    NewMessage,
    Outcome,
    State,
    message_id,
    prepare,
    remove_old,
    replay,
    replay_query,
    search,
    still_waiting,
    stored_bytes,
)

_NOW = datetime(2026, 1, 31, 8, 15, tzinfo=UTC)


def _message(number: int, *, raw: bytes = b"", state: State = "received") -> NewMessage:
    raw = raw or f"MSH|{number}".encode()
    return NewMessage(
        id=message_id("adt", "APP", "FAC", f"C{number}", raw),
        order=f"{number:08}",
        state=state,
        listener="adt",
        peer="127.0.0.1",
        received=_NOW + timedelta(minutes=number),
        raw=raw,
        control=f"C{number}",
        type="ADT",
        trigger="A08" if number % 2 else "A01",
        app="APP",
        facility="FAC",
        patients=(f"P{number % 3}",),
        visit=f"V{number}",
        ack=b"MSA|AA",
        error=("100", "Broken here.") if state == "failed" else None,
    )


@pytest.fixture
async def store(database: Database) -> MessageStore:
    await prepare(database)
    return MessageStore(database)


async def test_a_resend_is_not_stored_again(store: MessageStore) -> None:
    assert (await store.add(_message(1))).new
    again = await store.add(replace(_message(1), order="9", peer="127.0.0.2"))
    assert not again.new
    assert again.earlier is not None
    assert (again.earlier.ack, again.earlier.order) == (b"MSA|AA", "00000001")
    assert (await store.add(_message(1, raw=b"MSH|other"))).new
    found = await store.find(_message(1).id)
    assert found is not None
    assert await store.same_control_id(found)


async def test_many_at_once_with_repetitions(store: MessageStore) -> None:
    arrivals = await asyncio.gather(*(store.add(_message(n % 40)) for n in range(120)))
    assert sum(one.new for one in arrivals) == 40
    assert await store.counts() == {"received": 40}


async def test_claim_in_order_and_release(store: MessageStore) -> None:
    for number in (3, 1, 2):
        await store.add(_message(number))
    claimed = await store.claim(2, _NOW)
    assert [one.record.control for one in claimed] == ["C1", "C2"]
    assert claimed[0].raw == b"MSH|1"
    assert [one.record.control for one in await store.claim(9, _NOW)] == ["C3"]
    assert await store.claim(9, _NOW) == []
    assert await store.release() == 3
    assert len(await store.claim(9, _NOW)) == 3


async def test_finish(store: MessageStore) -> None:
    await store.add(_message(1))
    id = _message(1).id
    await store.finish(Outcome(id, "failed", _NOW, 2, "207", "No.", ack=b"MSA|AE"))
    failed = await store.read(id)
    assert (failed.state, failed.error_code, failed.error_text) == ("failed", "207", "No.")
    assert failed.ack == b"MSA|AE"
    await store.finish(
        Outcome(id, "converted", _NOW, 1, resources=("Patient/1",), report={"a": 1},
                warnings=("w",), answer=b"MSA|AA")
    )  # fmt: skip
    done = await store.read(id)
    assert (done.state, done.error_text, done.resources) == ("converted", "", ("Patient/1",))
    assert (done.report, done.warnings, done.ack) == ({"a": 1}, ("w",), b"MSA|AE")
    assert [one.id for one in await store.answers_due()] == [id]
    await store.set_answer(id, "sent")
    assert await store.answers_due() == []


async def test_search_and_pages(store: MessageStore, database: Database) -> None:
    for number in range(10):
        await store.add(_message(number, state="failed" if number == 7 else "converted"))

    async def controls(query: MessageQuery) -> list[str]:
        return [one.control for one in (await search(database, query)).messages]

    assert await controls(MessageQuery(control="C4")) == ["C4"]
    assert await controls(MessageQuery(type="ADT", trigger="A08", patient="P1")) == ["C7", "C1"]
    assert await controls(MessageQuery(visit="V3", listener="adt", app="APP")) == ["C3"]
    assert await controls(MessageQuery(states=("failed",))) == ["C7"]
    assert await controls(MessageQuery(error="broken HERE.")) == ["C7"]
    assert await controls(MessageQuery(error="b.oken")) == []
    since, until = _NOW + timedelta(minutes=2), _NOW + timedelta(minutes=4)
    assert await controls(MessageQuery(since=since, until=until)) == ["C3", "C2"]
    seen, after = [], None
    while True:
        page = await search(database, MessageQuery(), limit=4, after=after)
        seen += [one.control for one in page.messages]
        after = page.next
        if after is None:
            break
    assert seen == [f"C{n}" for n in reversed(range(10))]


async def test_replay(store: MessageStore, database: Database) -> None:
    for number in range(6):
        await store.add(_message(number, state="failed" if number < 4 else "received"))
    await database["hl7v2_messages"].update_one({"control": "C3"}, {"$unset": {"raw": ""}})
    assert (await replay(database, [_message(0).id, "none"], _NOW)).queued == 1
    later = _NOW + timedelta(microseconds=2_345_678)
    done = await replay_query(database, MessageQuery(type="ADT"), later)
    assert (done.queued, done.without_bytes) == (2, 1)
    assert await still_waiting(database, done.asked) == 2
    again = await store.claim(9, _NOW)
    assert [one.record.control for one in again] == ["C0", "C1", "C2", "C4", "C5"]
    assert [one.record.replays for one in again] == [1, 1, 1, 0, 0]
    assert await still_waiting(database, done.asked) == 2
    for one in again[:2]:  # C0 was asked for before, C4 and C5 wait by themselves
        await store.finish(Outcome(one.record.id, "converted", _NOW, 1))
    assert await still_waiting(database, done.asked) == 1


async def test_retention_by_age(store: MessageStore, database: Database) -> None:
    states: list[State] = ["converted", "failed", "received"]
    for number, state in enumerate(states):
        await store.add(_message(number, state=state))
    kept = RetentionSettings(raw_days=10, record_days=20, failed_days=30)
    assert (await remove_old(database, kept, _NOW + timedelta(days=11))).raw == 1
    assert (await store.read(_message(0).id)).raw is None
    assert not (await store.add(_message(0))).new
    assert (await remove_old(database, kept, _NOW + timedelta(days=21))).records == 1
    assert (await remove_old(database, kept, _NOW + timedelta(days=31))).records == 1
    assert await store.counts() == {"received": 1}


async def test_retention_by_size_takes_the_oldest(store: MessageStore, database: Database) -> None:
    half = 512 * 1024
    for number in range(5):
        state: State = "failed" if number == 0 else "converted"
        await store.add(_message(number, raw=bytes([65 + number]) * half, state=state))
    done = await remove_old(database, RetentionSettings(raw_mebibytes=1), _NOW)
    assert done.raw == 3
    assert await stored_bytes(database) == 2 * half
    left = [one.control for one in (await search(database, MessageQuery())).messages]
    assert len(left) == 5


async def test_lease(database: Database) -> None:
    one = Lease(database, "processing", "one", timedelta(seconds=5))
    two = Lease(database, "processing", "two", timedelta(seconds=5))
    assert await one.hold(_NOW)
    assert not await two.hold(_NOW + timedelta(seconds=4))
    assert await one.hold(_NOW + timedelta(seconds=4))
    assert not await two.hold(_NOW + timedelta(seconds=8))
    assert await two.hold(_NOW + timedelta(seconds=10))
    await two.end()
    assert await one.hold(_NOW + timedelta(seconds=10))
