"""Processing messages again: one, many, or all that a query finds, in the order they came."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from fhir_server.store.connection import Database
from integrations.hl7v2.store.indexes import MESSAGES
from integrations.hl7v2.store.record import WAITING, Document
from integrations.hl7v2.store.search import MessageQuery


@dataclass(frozen=True)
class Replayed:
    """How many messages are queued again, and how many cannot be: their bytes were removed.

    They are known by `asked`, the moment at which that was asked for.
    """

    queued: int
    without_bytes: int
    asked: datetime


_IDLE: Document = {"state": {"$in": ["converted", "failed", "ignored", "replayed"]}}


async def replay(database: Database, ids: Sequence[str], asked: datetime) -> Replayed:
    """Queue these messages. Those that are waiting or being processed are left alone."""
    return await _replay(database, {"_id": {"$in": list(ids)}}, asked)


async def replay_query(database: Database, query: MessageQuery, asked: datetime) -> Replayed:
    """Queue whatever a query finds."""
    return await _replay(database, query.condition(), asked)


async def still_waiting(database: Database, asked: datetime) -> int:
    """How many of what was queued again at that moment are not processed yet."""
    return await database[MESSAGES].count_documents(
        {"state": {"$in": list(WAITING)}, "asked": asked}
    )


async def _replay(database: Database, condition: Document, asked: datetime) -> Replayed:
    # To the millisecond, as the database keeps it.
    asked = asked.replace(microsecond=asked.microsecond // 1000 * 1000)
    both = {"$and": [condition, _IDLE]}
    without = await database[MESSAGES].count_documents({**both, "raw": {"$exists": False}})
    done = await database[MESSAGES].update_many(
        {**both, "raw": {"$exists": True}},
        {"$set": {"state": "received", "attempts": 0, "asked": asked}, "$inc": {"replays": 1}},
    )
    return Replayed(int(done.modified_count), without, asked)
