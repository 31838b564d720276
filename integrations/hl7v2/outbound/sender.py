"""One destination's queue, sent in its order, one message in flight."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import structlog

from fhir_server.audit import Access
from fhir_server.clock import Clock
from fhir_server.store.connection import Database
from integrations.hl7v2.mllp.client import (
    Answer,
    FramingByte,
    MllpClient,
    NotAnswered,
    NotConnected,
)
from integrations.hl7v2.outbound.peers import peer_of
from integrations.hl7v2.outbound.release import Release
from integrations.hl7v2.outbound.settings import DestinationSettings
from integrations.hl7v2.outbound.verdict import Outcome, Verdict, verdict
from integrations.hl7v2.store.destinations import Destinations
from integrations.hl7v2.store.outbound_queue import OutboundQueue, QueuedMessage

IDLE_SECONDS = 0.5
"""Between two looks at a queue that has nothing to send, or whose head has to wait."""

_TELL = timedelta(seconds=1)
"""While all goes well the destination's state is written once in so long, not for every message."""

_log = structlog.get_logger("aimed.hl7v2.outbound")


class Sender:
    """Sends what one queue holds. Only who holds the destination's lease may use it."""

    def __init__(
        self,
        destination: DestinationSettings,
        database: Database,
        release: Release,
        *,
        clock: Clock,
        keep: timedelta,
    ) -> None:
        self._destination = destination
        self._queue = OutboundQueue(database)
        self._states = Destinations(database)
        self._release = release
        self._clock = clock
        self._keep = keep
        self._client = MllpClient(peer_of(destination))
        self._unreachable = 0
        self._faulty = True
        self._told = clock()

    async def aclose(self) -> None:
        """Close the connection."""
        await self._client.aclose()

    async def step(self) -> float:
        """Try the head of the queue, if it is due. Seconds to wait before the next step."""
        name = self._destination.name
        state, head = await asyncio.gather(self._states.read(name), self._queue.head(name))
        if state.paused or head is None:
            return IDLE_SECONDS
        wait = (head.due - self._clock()).total_seconds()
        if wait > 0:
            return min(wait, IDLE_SECONDS)
        access = await self._release.asked(head)
        if access is not None and await self._queue.begin(head, at=self._clock()):
            outcome = await self._attempt(head, access)
            await self._settle(head, outcome)
        return 0.0

    async def _attempt(self, message: QueuedMessage, access: Access) -> Outcome:
        answer: Outcome
        try:
            await self._client.ready(message.payload)
            await self._release.record(message, access)
            if message.asks:
                answer = await self._client.exchange(message.payload, message.control_id)
            else:
                answer = await self._client.send(message.payload)
        except (FramingByte, NotAnswered) as fault:
            self._unreachable = 0
            return fault
        except NotConnected as fault:
            self._unreachable += 1
            return fault
        self._unreachable = 0
        return answer

    async def _settle(self, message: QueuedMessage, outcome: Outcome) -> None:
        retry = self._destination.retry
        found = verdict(outcome, message.attempts + 1, self._unreachable, retry)
        now = self._clock()
        accepted = found.what == "acknowledged"
        answer = (outcome.code, outcome.error, outcome.raw) if isinstance(outcome, Answer) else None
        await self._queue.settle(
            message,
            "dead" if found.what == "dead" else "acknowledged" if accepted else "queued",
            at=now,
            outcome=found.reason,
            due=now + found.wait if found.what == "again" else None,
            answer=answer,
            expires=now + self._keep if accepted else None,
            counted=found.counted,
        )
        await self._tell(message, found, answer is not None)

    async def _tell(self, message: QueuedMessage, found: Verdict, answered: bool) -> None:
        name, now = self._destination.name, self._clock()
        times = {"answered": now} if answered else {}
        if found.what == "acknowledged":
            if self._faulty or now - self._told >= _TELL:
                self._told, self._faulty = now, False
                await self._states.set(name, reason="", acknowledged=now, **times)
        elif found.what == "pause":
            self._faulty = True
            await self._states.set(name, paused=True, reason=found.reason, **times)
        else:
            self._faulty = True
            await self._states.set(name, reason=found.reason, **times)
        log = _log.info if found.what == "acknowledged" else _log.warning
        log(
            f"message {'tried again' if found.what == 'again' else found.what}",
            destination=name,
            trigger=message.trigger,
            control_id=message.control_id,
            reason=found.reason,
        )
