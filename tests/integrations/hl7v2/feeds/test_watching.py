"""What the log says of listeners that need looking at, and which process says it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from structlog.testing import capture_logs

from fhir_server.store.connection import Database
from integrations.hl7v2.feeds.watching import LEASE, FeedWatch
from integrations.hl7v2.settings import Hl7v2Settings
from integrations.hl7v2.store import Lease, MessageStore, NewMessage, Outcome, prepare

_START = datetime(2026, 1, 31, 8, 15, tzinfo=UTC)
_SETTINGS = Hl7v2Settings.model_validate(
    {"listeners": [{"name": "ward", "silence_seconds": 3600}], "warn": {"oldest_seconds": 60}}
)


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = _START

    def __call__(self) -> datetime:
        return self.now


def _watch(database: Database, clock: Clock, holder: str) -> FeedWatch:
    return FeedWatch(
        database, _SETTINGS, lease=Lease(database, "watching", holder, LEASE), clock=clock
    )


async def _said(watch: FeedWatch) -> list[Any]:
    with capture_logs() as logs:
        await watch.look()
    return [(one["log_level"], one["event"], one["listener"]) for one in logs]


def _waiting(at: datetime) -> NewMessage:
    return NewMessage(
        id="m1", order="1", state="received", listener="ward", peer="10.0.0.7", received=at,
        raw=b"MSH|^~\\&|SECRET", patients=("4711",),
    )  # fmt: skip


async def test_a_message_that_waits_is_told_once_an_hour_and_when_it_is_over(
    database: Database,
) -> None:
    await prepare(database)
    clock, store = Clock(), MessageStore(database)
    watch = _watch(database, clock, "one")
    await store.add(_waiting(_START))
    assert await _said(watch) == []
    clock.now += timedelta(seconds=61)
    with capture_logs() as logs:
        await watch.look()
    (told,) = logs
    assert told["event"] == "listener needs looking at: oldest"
    assert (told["waiting"], told["oldest_seconds"], told["failed"]) == (1, 61, 0)
    assert "4711" not in str(told)
    assert await _said(watch) == []
    clock.now += timedelta(minutes=58)
    assert await _said(watch) == []
    clock.now += timedelta(minutes=2)
    assert ("warning", "listener needs looking at: oldest", "ward") in await _said(watch)
    await store.finish(Outcome("m1", "converted", clock.now, 1))
    assert ("info", "listener in order again: oldest", "ward") in await _said(watch)
    await store.aclose()


async def test_a_listener_that_never_received_is_silent_in_time(database: Database) -> None:
    await prepare(database)
    clock = Clock()
    watch = _watch(database, clock, "one")
    clock.now += timedelta(seconds=3599)
    assert await _said(watch) == []
    clock.now += timedelta(seconds=2)
    assert await _said(watch) == [("warning", "listener needs looking at: silence", "ward")]


async def test_of_two_processes_one_warns(database: Database) -> None:
    await prepare(database)
    clock = Clock()
    first, second = _watch(database, clock, "one"), _watch(database, clock, "two")
    clock.now += timedelta(seconds=3601)
    told = [("warning", "listener needs looking at: silence", "ward")]
    assert await _said(first) == told
    assert await _said(second) == []
    clock.now += LEASE + timedelta(seconds=1)  # the first has died
    assert await _said(second) == told
    assert await _said(first) == []
