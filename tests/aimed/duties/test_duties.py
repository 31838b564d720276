"""Periodic duties: each is done once when it is due, whoever looks and whoever is killed."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
import structlog

from aimed.duties.schedule import AGAIN, HOLD, Duty, NotInOrder, Schedule
from aimed.duties.table import duties
from aimed.settings import Settings
from fhir_server.audit import Access
from fhir_server.auth.caller import SYSTEM
from fhir_server.clock import random_id
from fhir_server.server import FhirServer, open_fhir_server
from fhir_server.store.connection import Database, connect
from fhir_server.store.duties import DutyStore
from fhir_server.store.smart.grants import Code, Grant, GrantStore, RefreshToken

START = datetime(2100, 1, 1, 12, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@dataclass
class Moved:
    """A clock that stands, and duties that count."""

    now: datetime = START
    done: list[str] = field(default_factory=list)

    def __call__(self) -> datetime:
        return self.now

    def duty(self, name: str = "count", error: Exception | None = None) -> Duty:
        async def work() -> str:
            await asyncio.sleep(0)
            self.done.append(name)
            if error is not None:
                raise error
            return "counted"

        return Duty(name, HOUR, work)


@pytest.fixture
def clock() -> Moved:
    return Moved()


@pytest.fixture
async def fhir(database: Database, clock: Moved) -> AsyncIterator[FhirServer]:
    settings = Settings().fhir
    opened = await open_fhir_server(
        database, settings, clock=clock, ids=random_id, secret=lambda: secrets.token_urlsafe(32)
    )
    yield opened
    await opened.aclose()


async def test_two_relays_do_each_duty_once(
    database: Database, mongo_uri: str, clock: Moved
) -> None:
    """Each has its own connections, as processes do; what decides is in the database."""
    table = [clock.duty(f"d{number}") for number in range(5)]
    async with connect(mongo_uri) as other:
        stores = (DutyStore(database), DutyStore(other[database.name]))
        relays = [Schedule(table, store, clock=clock) for store in stores for _ in range(4)]
        assert await asyncio.gather(*(one.look() for one in relays)) == [[]] * 8
        for round in range(1, 4):
            clock.now += HOUR
            did = await asyncio.gather(*(one.look() for one in relays))
            assert sorted(name for one in did for name in one) == [
                f"d{number}" for number in range(5)
            ]
            assert len(clock.done) == 5 * round


async def test_what_a_killed_process_held_is_taken_over(database: Database, clock: Moved) -> None:
    store, duty = DutyStore(database), clock.duty()
    schedule = Schedule([duty], store, clock=clock)
    await schedule.look()
    clock.now += HOUR
    assert await store.take(duty.name, clock.now, clock.now + HOLD)  # and then it is killed
    assert await schedule.look() == []
    clock.now += HOLD
    assert await schedule.look() == [duty.name]


async def test_a_failure_is_told_without_its_text_and_tried_again(
    database: Database, clock: Moved
) -> None:
    schedule = Schedule(
        [clock.duty(error=RuntimeError("Mrs Marker"))], DutyStore(database), clock=clock
    )
    await schedule.look()
    clock.now += HOUR
    with structlog.testing.capture_logs() as logs:
        await schedule.look()
    assert [one["log_level"] for one in logs] == ["error"]
    assert "Marker" not in str(logs)
    [state] = await DutyStore(database).all()
    assert (state.failed, state.outcome, state.due) == (True, "RuntimeError", clock.now + AGAIN)
    clock.now += AGAIN
    assert await schedule.look() == ["count"]


async def test_what_it_found_is_kept_and_it_is_not_done_again_at_once(
    database: Database, clock: Moved
) -> None:
    schedule = Schedule(
        [clock.duty(error=NotInOrder("2 findings"))], DutyStore(database), clock=clock
    )
    await schedule.look()
    clock.now += HOUR
    await schedule.look()
    [state] = await DutyStore(database).all()
    assert (state.failed, state.outcome, state.due) == (True, "2 findings", clock.now + HOUR)


def test_a_daily_duty_has_its_hour(clock: Moved) -> None:
    duty = Duty("daily", DAY, clock.duty().work, at=2)
    second, third = (datetime(2100, 1, day, 2, tzinfo=UTC) for day in (2, 3))
    assert duty.after(START) == second
    assert duty.after(second - timedelta(minutes=1)) == second
    assert duty.after(second) == third


async def test_it_runs_until_it_is_told_to_stop(database: Database, clock: Moved) -> None:
    stopped = asyncio.Event()
    schedule = Schedule([clock.duty()], DutyStore(database), clock=clock)
    running = asyncio.create_task(schedule.run(stopped))
    stopped.set()
    async with asyncio.timeout(60):
        await running


async def test_an_outage_is_waited_out(clock: Moved) -> None:
    stopped = asyncio.Event()
    async with connect("mongodb://127.0.0.1:1", timeout_ms=50) as nowhere:
        schedule = Schedule([clock.duty()], DutyStore(nowhere["x"]), clock=clock)
        running = asyncio.create_task(schedule.run(stopped))
        await asyncio.sleep(0.2)
        assert not running.done()
        stopped.set()
        async with asyncio.timeout(60):
            await running


async def run_all(fhir: FhirServer, clock: Moved, settings: Settings) -> dict[str, str]:
    """What each duty of the installation says."""
    schedule = Schedule(
        duties(fhir, settings, clock), DutyStore(fhir.server.store.database), clock=clock
    )
    if not await DutyStore(fhir.server.store.database).all():
        await schedule.look()
    clock.now += DAY
    await schedule.look()
    return {one.name: one.outcome for one in await DutyStore(fhir.server.store.database).all()}


async def test_signing_keys_rotate_by_themselves(fhir: FhirServer, clock: Moved) -> None:
    settings = Settings()
    before = (await fhir.smart.keys.public())["keys"]
    assert (await run_all(fhir, clock, settings))["signing-keys"] == "young enough"
    clock.now += timedelta(days=settings.fhir.smart.key_days)
    assert (await run_all(fhir, clock, settings))["signing-keys"] == "rotated"
    published = (await fhir.smart.keys.public())["keys"]
    assert len(published) == 2
    assert published[0] == before[0]  # still published: what it signed is still valid


async def test_a_changed_trail_is_called_out(fhir: FhirServer, clock: Moved) -> None:
    await fhir.server.audit.record(SYSTEM, Access("read", entities=("Patient/x",)))
    await fhir.sealing.seal()
    assert (await run_all(fhir, clock, Settings()))["audit-verify"].startswith("whole: 1 events")
    database = fhir.server.store.database
    await database["history"].delete_many({"type": "AuditEvent"})
    await database["resources"].delete_many({"type": "AuditEvent"})
    with structlog.testing.capture_logs() as logs:
        outcome = (await run_all(fhir, clock, Settings()))["audit-verify"]
    assert outcome == "1 findings: run `aimed audit verify`"
    assert [one["log_level"] for one in logs if one["event"] == "audit trail is not whole"] == [
        "critical"
    ]


async def test_old_events_go(fhir: FhirServer, clock: Moved) -> None:
    await fhir.server.audit.record(SYSTEM, Access("read", entities=("Patient/x",)))
    await fhir.sealing.seal()
    settings = Settings.model_validate({"fhir": {"audit": {"retention_days": 30}}})
    assert (await run_all(fhir, clock, settings))["audit-purge"] == "removed 0"
    clock.now += timedelta(days=30)
    told = await run_all(fhir, clock, settings)
    assert told["audit-purge"] == "removed 1"
    clock.now += DAY
    assert (await run_all(fhir, clock, settings))["audit-verify"].startswith("whole")


async def test_what_is_over_goes_and_nothing_else(fhir: FhirServer, clock: Moved) -> None:
    """The embedded server and mongod remove by their own clock; this one is years ahead of it."""
    store = GrantStore(fhir.server.store.database)

    def grant(id: str, days: int) -> Grant:
        ends = START + timedelta(days=days)
        return Grant(id, "app", "u", "Practitioner/p", "P", (), (), START, ends)

    await store.add(grant("over", 0))
    await store.add(grant("living", 300))
    for number, one in enumerate(("over", "living", "gone")):
        ends = START + timedelta(days=300)
        await store.add(RefreshToken(f"r{number}", one, "app", (), ends))
    await store.add(Code("c", "living", "app", "https://x", "", START))
    assert (await run_all(fhir, clock, Settings()))["expired"] == "removed 4"
    assert await store.find(RefreshToken, "r1") is not None
    assert await store.find(RefreshToken, "r0") is None
    assert await store.find(RefreshToken, "r2") is None
