"""Counts of received messages by listener."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from fhir_server.store.connection import Database
from integrations.hl7v2.store.indexes import MESSAGES
from integrations.hl7v2.store.record import WAITING

_MINUTES = 15


@dataclass(frozen=True)
class ListenerCounts:
    """`rate` is messages a minute over the last 15, `failed` and `received` are of one hour.

    `dead` is how many failed messages there are at all, `oldest` since when one waits.
    """

    name: str
    rate: float = 0.0
    received: int = 0
    failed: int = 0
    waiting: int = 0
    dead: int = 0
    last: datetime | None = None
    oldest: datetime | None = None


async def listener_counts(
    database: Database, names: tuple[str, ...], now: datetime
) -> list[ListenerCounts]:
    """The counts of each listener, in the order of the names."""
    return [await _counts(database, name, now) for name in names]


async def known_listeners(database: Database) -> list[str]:
    """Every name that a stored message has come by."""
    return sorted(await database[MESSAGES].distinct("listener"))


async def _counts(database: Database, name: str, now: datetime) -> ListenerCounts:
    messages, own = database[MESSAGES], {"listener": name}
    hour = {**own, "received": {"$gte": now - timedelta(hours=1)}}
    recent = {**own, "received": {"$gte": now - timedelta(minutes=_MINUTES)}}
    waits = {**own, "state": {"$in": list(WAITING)}}
    last = await messages.find_one(own, {"received": 1}, sort=[("received", -1)])
    oldest = await messages.find_one(waits, {"received": 1}, sort=[("order", 1)])
    return ListenerCounts(
        name,
        rate=await messages.count_documents(recent) / _MINUTES,
        received=await messages.count_documents(hour),
        failed=await messages.count_documents({**hour, "state": "failed"}),
        waiting=await messages.count_documents(waits),
        dead=await messages.count_documents({**own, "state": "failed"}),
        last=last["received"] if last else None,
        oldest=oldest["received"] if oldest else None,
    )
