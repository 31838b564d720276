"""Who may work at a queue: `hl7v2_outbound_leases`, one document for each thing to be done.

    {_id: "send/lab", owner, until}

A lease that was not renewed in time belongs to whoever takes it next.
"""

from __future__ import annotations

from datetime import datetime

from pymongo.errors import DuplicateKeyError

from fhir_server.store.connection import Database

COLLECTION = "hl7v2_outbound_leases"


class Leases:
    """The leases of one database."""

    def __init__(self, database: Database) -> None:
        self._leases = database[COLLECTION]

    async def take(self, name: str, owner: str, *, now: datetime, until: datetime) -> bool:
        """Take or renew a lease. False when it is somebody else's."""
        mine = {"_id": name, "$or": [{"owner": owner}, {"until": {"$lte": now}}]}
        change = {"$set": {"owner": owner, "until": until}}
        try:
            await self._leases.update_one(mine, change, upsert=True)
        except DuplicateKeyError:  # it is there, and not ours
            return False
        return True

    async def give_back(self, name: str, owner: str) -> None:
        """Let the next one in at once."""
        await self._leases.delete_one({"_id": name, "owner": owner})
