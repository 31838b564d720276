"""Converts stored messages: first in, first out in each lane, lanes at the same time.

One process at a time holds the lease and works. Messages are claimed in the order they came; each
waits for the earlier ones that share a key with it. What a process had claimed when it died is
claimed again by the next, and converting twice changes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

import structlog

from fhir_server.clock import Clock
from integrations.hl7v2.message import Message, NotHl7, parse
from integrations.hl7v2.processing.attempt import Attempt, Attempting, ended, refused
from integrations.hl7v2.processing.converter import Work
from integrations.hl7v2.processing.lanes import lane_keys
from integrations.hl7v2.processing.outcomes import Outcomes
from integrations.hl7v2.processing.returning import Returning
from integrations.hl7v2.store import Lease, MessageStore, Outcome, Stored
from integrations.hl7v2.strictness import Strictness

LEASE = timedelta(seconds=10)
_RENEW_SECONDS = 3.0
_POLL_SECONDS = 0.25
"""How soon a message is noticed that another process has stored."""
_WINDOW = 256
"""Messages held in memory: read at most this far ahead of the slowest lane."""
_LONGEST_PAUSE = 60.0
_SWEEP_SECONDS = 30.0
_GRACE_SECONDS = 2.0
"""For conversions under way at the end: `aimed up` kills after 4 s."""
_log = structlog.get_logger("aimed.hl7v2")


class Processor:
    """Run it in one task; `arrived` wakes it. `ids` make MSH-10 of acknowledgements."""

    def __init__(
        self,
        store: MessageStore,
        outcomes: Outcomes,
        attempting: Attempting,
        returning: Returning,
        strictness: Strictness,
        *,
        lease: Lease,
        clock: Clock,
        ids: Callable[[], str],
        lanes: int = 8,
        attempts: int = 8,
        first_pause: float = 0.5,
    ) -> None:
        self._store = store
        self._outcomes = outcomes
        self._attempting = attempting
        self._returning = returning
        self._strictness = strictness
        self._lease = lease
        self._clock = clock
        self._ids = ids
        self._attempts = attempts
        self._first_pause = first_pause
        self._slots = asyncio.Semaphore(lanes)
        self._wake = asyncio.Event()
        self._last: dict[str, asyncio.Task[None]] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._held_until = 0.0
        self._swept = 0.0

    def arrived(self) -> None:
        """A message was stored."""
        self._wake.set()

    async def run(self, stopped: asyncio.Event) -> None:
        """Work until `stopped`; what is under way is then finished. Outages are waited out."""
        stop = asyncio.create_task(stopped.wait())
        pause, leading = _POLL_SECONDS, False
        try:
            while not stopped.is_set():
                try:
                    led, leading = leading, await self._leads()
                    if leading and not led:
                        await self._take_over()
                    elif led and not leading:
                        await self._give_up()
                    if leading:
                        await self._sweep()
                    if not (leading and await self._claim()):
                        await self._rest(stop, pause)
                    pause = _POLL_SECONDS
                except Exception as error:
                    pause = min(pause * 2, 5.0)
                    _log.warning("processing waits", fault=type(error).__name__, seconds=pause)
                    await self._rest(stop, pause)
        finally:
            stop.cancel()
            await self._finish()

    async def _leads(self) -> bool:
        now = asyncio.get_running_loop().time()
        if now < self._held_until - (LEASE.total_seconds() - _RENEW_SECONDS):
            return True
        held = await self._lease.hold(self._clock())
        self._held_until = now + LEASE.total_seconds() if held else 0.0
        return held

    async def _take_over(self) -> None:
        # Of our own nothing is claimed now but what still runs, which ends by itself.
        if not self._running:
            released = await self._store.release()
            if released:
                _log.info("claimed messages taken over", count=released)
        self._swept = 0.0

    async def _sweep(self) -> None:
        """Now and then: answers whose connection went while they were made."""
        now = asyncio.get_running_loop().time()
        if now - self._swept < _SWEEP_SECONDS and self._swept:
            return
        finished = self._clock() - timedelta(seconds=_SWEEP_SECONDS) if self._swept else None
        self._swept = now
        await self._returning.send_due(finished)

    async def _claim(self) -> bool:
        """Start what waits, as far as there is room. Whether anything was started."""
        self._wake.clear()
        room = _WINDOW - len(self._running)
        if room < _WINDOW // 4:
            await asyncio.wait(
                self._running, timeout=_POLL_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
            return True
        claimed = await self._store.claim(room, self._clock())
        for one in claimed:
            self._start(one)
        return bool(claimed)

    def _start(self, stored: Stored) -> None:
        message = _parsed(stored.raw)
        keys = lane_keys(message) if message else frozenset((stored.record.id,))
        before = {self._last[key] for key in keys if key in self._last}
        task = asyncio.create_task(self._process(stored, message, before))
        self._running.add(task)
        for key in keys:
            self._last[key] = task
        task.add_done_callback(lambda done: self._ended(done, keys))

    def _ended(self, task: asyncio.Task[None], keys: frozenset[str]) -> None:
        self._running.discard(task)
        for key in keys:
            if self._last.get(key) is task:
                del self._last[key]
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("processing fault", fault=type(error).__name__)

    async def _process(
        self, stored: Stored, message: Message | None, before: set[asyncio.Task[None]]
    ) -> None:
        # Beside the others of its lane, and taking no place of a conversion.
        checked = await self._checked(stored, message)
        if before:
            await asyncio.wait(before)
        tried = 0
        pause = self._first_pause
        while True:
            tried += 1
            if checked is not None:
                result = checked
                break
            async with self._slots:
                result = await self._attempt(stored, message)
            if not result.retryable or tried >= self._attempts:
                break
            _log.warning("conversion waits", message=stored.record.id, seconds=pause)
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
        await self._store_outcome(stored, message, result, tried)

    async def _checked(self, stored: Stored, message: Message | None) -> Attempt | None:
        """What a strict listener has against the message, None for nothing."""
        if message is None or stored.record.checked:
            return None
        against = await self._strictness.against(message, stored.record.listener)
        return None if against is None else refused(against)

    async def _attempt(self, stored: Stored, message: Message | None) -> Attempt:
        if message is None:
            return Attempt("failed", code="100", text="There is no MSH segment to read.")
        return await self._attempting(Work(stored.record, message))

    async def _store_outcome(
        self, stored: Stored, message: Message | None, result: Attempt, tried: int
    ) -> None:
        record = stored.record
        warnings = result.warnings
        if await self._store.same_control_id(record):
            warnings = (*warnings, "The sender has used this control id for another message.")
        outcome = ended(
            record,
            message,
            result,
            attempts=tried,
            warnings=warnings,
            at=self._clock(),
            control_id=self._ids()[:20],
        )
        await self._finished(outcome)
        if result.state == "failed":
            _log.warning("message failed", message=record.id, listener=record.listener)
        awaited = self._outcomes.awaited(record.id)
        self._outcomes.publish(record.id)
        if outcome.answer is not None and not awaited:
            await self._returning.send(record, outcome.answer)

    async def _rest(self, stop: asyncio.Task[bool], seconds: float) -> None:
        """Until a message arrives, the time is over, or the end."""
        waking = asyncio.create_task(self._wake.wait())
        try:
            await asyncio.wait((waking, stop), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waking.cancel()

    async def _finished(self, outcome: Outcome) -> None:
        """Store an outcome, however long that takes: later ones of its lanes wait for it."""
        pause = self._first_pause
        while True:
            try:
                await self._store.finish(outcome)
            except Exception as error:
                _log.warning("outcome waits", fault=type(error).__name__, seconds=pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
            else:
                return

    async def _finish(self) -> None:
        """Let what runs end, give up what waits longer, and let the next process work."""
        if self._running:
            await asyncio.wait(self._running, timeout=_GRACE_SECONDS)
        await self._give_up()
        if not self._held_until:
            return
        try:
            await self._store.release()
            await self._lease.end()
        except Exception as error:
            _log.warning("lease not given back", fault=type(error).__name__)

    async def _give_up(self) -> None:
        for task in list(self._running):
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)


def _parsed(raw: bytes) -> Message | None:
    try:
        return parse(raw)
    except NotHl7:
        return None
