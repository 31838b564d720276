"""From FHIR changes to messages in the queues. One process does it at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import structlog

from fhir_server.clock import Clock
from fhir_server.store import MongoStore
from integrations.hl7v2.outbound.composing import Composed, compose
from integrations.hl7v2.outbound.gathering import Gathered, with_others, written
from integrations.hl7v2.outbound.origin import Senders, is_its_own, sender_of
from integrations.hl7v2.outbound.segments import NotComposable
from integrations.hl7v2.outbound.settings import DestinationSettings
from integrations.hl7v2.outbound.tables import Tables
from integrations.hl7v2.outbound.triggers import trigger_of
from integrations.hl7v2.store.outbound_events import FhirEvent, OutboundEvents
from integrations.hl7v2.store.outbound_queue import OutboundQueue, QueuedMessage

_BATCH = 100
_log = structlog.get_logger("aimed.hl7v2.outbound")


@dataclass(frozen=True)
class Target:
    """A destination with its tables."""

    settings: DestinationSettings
    tables: Tables


class Planner:
    """Takes events in their order and puts what they lead to into the queues."""

    def __init__(
        self, store: MongoStore, targets: Sequence[Target], senders: Senders, *, clock: Clock
    ) -> None:
        self._store = store
        self._targets = targets
        self._senders = senders
        self._clock = clock
        self._events = OutboundEvents(store.database)
        self._queue = OutboundQueue(store.database)

    async def plan(self) -> int:
        """Work on the oldest events and return how many that was."""
        events = await self._events.oldest(_BATCH)
        for event in events:
            await self._plan(event)
            await self._events.done([event.id])
        return len(events)

    async def _plan(self, event: FhirEvent) -> None:
        found = await written(self._store, event.resource, event.version, event.event)
        if found is None:
            return
        wanted = await self._wanted(found, event)
        if not wanted:
            return
        gathered = await with_others(self._store, found)
        patients = await self._store.patients_of([event.resource])
        patient = patients[0] if patients else None
        for target, trigger in wanted:
            await self._queue.add(self._message(target, trigger, gathered, event, patient))

    async def _wanted(self, found: Gathered, event: FhirEvent) -> list[tuple[Target, str]]:
        sender = await sender_of(found, self._senders)
        wanted = []
        for target in self._targets:
            if is_its_own(target.settings, sender):
                continue
            trigger = await trigger_of(found, target.tables, self._reported)
            if trigger is not None and target.settings.wants(trigger):
                wanted.append((target, trigger))
        return wanted

    async def _reported(self, observation: str) -> bool:
        named = {"type": "DiagnosticReport", "k": f"result={observation}"}
        return await self._store.count(named) > 0

    def _message(
        self,
        target: Target,
        trigger: str,
        gathered: Gathered,
        event: FhirEvent,
        patient: str | None,
    ) -> QueuedMessage:
        name, now = target.settings.name, self._clock()
        own = replace(gathered, used=set())
        composed, fault = _composed(target, trigger, own, event)
        if fault:
            _log.error("message cannot be made", destination=name, trigger=trigger, fault=fault)
        return QueuedMessage(
            id=f"{name}/{event.id}/{trigger}",
            destination=name,
            position=event.id,
            state="dead" if fault else "queued",
            trigger=trigger,
            control_id=composed.control_id if composed else "",
            payload=composed.payload if composed else b"",
            patient=patient,
            resource=event.resource,
            version=event.version,
            sources=own.sources(),
            event=event.event,
            happened=event.at,
            created=now,
            due=now,
            reason=fault or _replaced(composed),
        )


def _composed(
    target: Target, trigger: str, gathered: Gathered, event: FhirEvent
) -> tuple[Composed | None, str]:
    """The message, or why there is none: what is wrong with one must not hold up the others."""
    try:
        made = compose(
            target.settings, target.tables, gathered, trigger=trigger, event=event.id, at=event.at
        )
    except NotComposable as error:
        return None, str(error)
    except Exception as error:  # a mapping of the site's own may do anything; texts tell too much
        return None, f"mapping: {type(error).__name__}"
    return made, ""


def _replaced(composed: Composed | None) -> str:
    count = composed.replaced if composed else 0
    return f"{count} characters are not in the character set" if count else ""
