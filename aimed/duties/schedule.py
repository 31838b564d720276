"""Doing each duty when it is due, once, however many processes look.

State is in MongoDB (`fhir_server.store.duties`): what was due while nothing ran is done as soon as
something does, and a duty that failed is tried again soon.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from fhir_server.clock import Clock
from fhir_server.store.duties import DutyStore

LOOK_SECONDS = 30.0
"""Between two looks at what is due: one small read, against duties of an hour or a day."""

HOLD = timedelta(hours=2)
"""A duty that was not given back by then belonged to a process that is gone."""

AGAIN = timedelta(minutes=10)
_log = structlog.get_logger("aimed.duties")


class NotInOrder(Exception):
    """A duty was done and found something that people must look at. The text names it."""


@dataclass(frozen=True)
class Duty:
    """`work` does it and tells in some words what it did, without patient data.

    It is due `every` so often; a daily one at an hour of the day, `at`, in UTC.
    """

    name: str
    every: timedelta
    work: Callable[[], Awaitable[str]]
    at: int | None = None

    def after(self, now: datetime) -> datetime:
        """When it is due next."""
        if self.at is None:
            return now + self.every
        today = now.replace(hour=self.at, minute=0, second=0, microsecond=0)
        return today if today > now else today + timedelta(days=1)


class Schedule:
    """Starts duties. Several processes may; each duty is done by one."""

    def __init__(self, duties: Sequence[Duty], store: DutyStore, *, clock: Clock) -> None:
        self._duties = duties
        self._store = store
        self._clock = clock

    async def run(self, stopped: asyncio.Event) -> None:
        """Look again and again until `stopped`. An outage is waited out."""
        while not stopped.is_set():
            try:
                await self.look()
            except Exception as error:
                _log.warning("duties wait", fault=type(error).__name__)
            try:
                await asyncio.wait_for(stopped.wait(), LOOK_SECONDS)
            except TimeoutError:
                continue

    async def look(self) -> list[str]:
        """Do what is due, one after the other. The names of what this process did."""
        known = {state.name: state.due for state in await self._store.all()}
        done = []
        for duty in self._duties:
            now = self._clock()
            if duty.name not in known:
                await self._store.plan(duty.name, duty.after(now))
            elif known[duty.name] <= now and await self._store.take(duty.name, now, now + HOLD):
                await self._do(duty, now + HOLD)
                done.append(duty.name)
        return done

    async def _do(self, duty: Duty, held: datetime) -> None:
        outcome, due, failed = await self._outcome(duty)
        await self._store.done(
            duty.name, held, due=due, at=self._clock(), outcome=outcome, failed=failed
        )

    async def _outcome(self, duty: Duty) -> tuple[str, datetime, bool]:
        try:
            outcome = await duty.work()
        except NotInOrder as found:
            _log.error("duty found something", duty=duty.name, found=str(found))
            return str(found), duty.after(self._clock()), True
        except Exception as error:  # its text may hold anything
            _log.error("duty failed", duty=duty.name, fault=type(error).__name__)
            return type(error).__name__, self._clock() + AGAIN, True
        _log.info("duty done", duty=duty.name, outcome=outcome)
        return outcome, duty.after(self._clock()), False
