"""One process works at a time: whoever holds the lease. Others wait for it to end."""

from __future__ import annotations

from datetime import datetime, timedelta

from pymongo.errors import DuplicateKeyError

from fhir_server.store.connection import Database
from integrations.hl7v2.store.indexes import LEASES


class Lease:
    """The lease `name`, held by `holder` for `length` after each `hold`."""

    def __init__(self, database: Database, name: str, holder: str, length: timedelta) -> None:
        self._leases = database[LEASES]
        self._name = name
        self._holder = holder
        self._length = length

    async def hold(self, now: datetime) -> bool:
        """Take or prolong the lease; False when another holds it."""
        free = {"$or": [{"holder": self._holder}, {"until": {"$lt": now}}]}
        change = {"$set": {"holder": self._holder, "until": now + self._length}}
        try:
            done = await self._leases.update_one({"_id": self._name, **free}, change, upsert=True)
        except DuplicateKeyError:
            return False
        return bool(done.matched_count or done.upserted_id)

    async def end(self) -> None:
        """Give it back, so that the next need not wait."""
        await self._leases.delete_one({"_id": self._name, "holder": self._holder})


async def holder(database: Database, name: str, now: datetime) -> str | None:
    """Which process holds a lease."""
    found = await database[LEASES].find_one({"_id": name, "until": {"$gte": now}})
    return str(found["holder"]) if found else None
