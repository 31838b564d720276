"""How each destination does: for the admin API, and for the warnings in the log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from fhir_server.store.connection import Database
from integrations.hl7v2.outbound.settings import DestinationSettings
from integrations.hl7v2.store.destinations import Destinations
from integrations.hl7v2.store.outbound_events import OutboundEvents
from integrations.hl7v2.store.outbound_queue import OutboundQueue


@dataclass(frozen=True)
class DestinationFigures:
    """`oldest` is since when the head of the queue waits, `sending` whether it is in flight.

    `reason` tells how the last attempt ended that was not accepted, or why the queue is paused.
    """

    name: str
    address: str
    messages: tuple[str, ...]
    paused: bool
    backlog: int
    dead: int
    withheld: int
    acknowledged: int
    oldest: datetime | None
    sending: bool
    last_answer: datetime | None
    last_acknowledged: datetime | None
    reason: str


async def destination_figures(
    database: Database, destinations: Sequence[DestinationSettings]
) -> list[DestinationFigures]:
    """The figures of every destination, in the order of the settings."""
    queue, states = OutboundQueue(database), Destinations(database)
    counts = await queue.counts()
    figures = []
    for one in destinations:
        state, head = await states.read(one.name), await queue.oldest(one.name)
        count = counts.get(one.name, {})
        figures.append(
            DestinationFigures(
                name=one.name,
                address=f"{one.host}:{one.port}",
                messages=one.messages,
                paused=state.paused,
                backlog=count.get("queued", 0),
                dead=count.get("dead", 0),
                withheld=count.get("withheld", 0),
                acknowledged=count.get("acknowledged", 0),
                oldest=head.created if head else None,
                sending=bool(head and head.sending),
                last_answer=state.answered,
                last_acknowledged=state.acknowledged,
                reason=state.reason,
            )
        )
    return figures


async def gauges(
    database: Database, destinations: Sequence[DestinationSettings], now: datetime
) -> dict[str, float]:
    """Numbers to watch: by destination the backlog, its age in seconds, and what was put aside.

    `events.waiting` and `events.oldest_seconds` are changes that wait to become messages.
    """
    waiting, since = await OutboundEvents(database).waiting()
    found: dict[str, float] = {"events.waiting": waiting, "events.oldest_seconds": _age(since, now)}
    for one in await destination_figures(database, destinations):
        found[f"{one.name}.backlog"] = one.backlog
        found[f"{one.name}.oldest_seconds"] = _age(one.oldest, now)
        found[f"{one.name}.dead"] = one.dead
        found[f"{one.name}.withheld"] = one.withheld
        found[f"{one.name}.paused"] = float(one.paused)
    return found


def _age(since: datetime | None, now: datetime) -> float:
    return max(0.0, (now - since).total_seconds()) if since else 0.0
