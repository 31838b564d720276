"""FHIR changes that wait to be looked at: `hl7v2_events`, one document an outbox row.

    {_id: the row's id, resource: "Patient/p1", version: 3, event: "update", at}

The relay puts them in before it forgets its row; the planner takes them out after what they lead to
is in the queues. Either may be done twice: what it leads to has the same ids.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from fhir_server.store.connection import Database

COLLECTION = "hl7v2_events"


@dataclass(frozen=True)
class FhirEvent:
    """One write of one resource. `event` is create, update or delete."""

    id: str
    resource: str
    version: int
    event: str
    at: datetime


class OutboundEvents:
    """The events of one database, oldest first."""

    def __init__(self, database: Database) -> None:
        self._events = database[COLLECTION]

    async def add(self, event: FhirEvent) -> None:
        """Put an event in; one that is there already stays as it is."""
        fields = {
            "resource": event.resource,
            "version": event.version,
            "event": event.event,
            "at": event.at,
        }
        await self._events.update_one({"_id": event.id}, {"$setOnInsert": fields}, upsert=True)

    async def oldest(self, limit: int) -> list[FhirEvent]:
        """The events that were written first."""
        found = await self._events.find().sort("_id", 1).limit(limit).to_list()
        return [
            FhirEvent(one["_id"], one["resource"], one["version"], one["event"], one["at"])
            for one in found
        ]

    async def done(self, ids: Sequence[str]) -> None:
        """Forget events that the queues have."""
        await self._events.delete_many({"_id": {"$in": list(ids)}})

    async def waiting(self) -> tuple[int, datetime | None]:
        """How many there are, and when the oldest was written."""
        oldest = await self._events.find_one({}, {"at": 1}, sort=[("_id", 1)])
        return await self._events.count_documents({}), oldest["at"] if oldest else None
