"""What is known of each destination: `hl7v2_destinations`.

{_id: name, paused, reason, acknowledged: when last, answered: when last, connected: bool}
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fhir_server.store.connection import Database

COLLECTION = "hl7v2_destinations"


@dataclass(frozen=True)
class DestinationState:
    """`reason` tells why it is paused or cannot be reached; times are of the last such answer."""

    name: str
    paused: bool = False
    reason: str = ""
    answered: datetime | None = None
    acknowledged: datetime | None = None


class Destinations:
    """The states of one database's destinations."""

    def __init__(self, database: Database) -> None:
        self._destinations = database[COLLECTION]

    async def read(self, name: str) -> DestinationState:
        """The state of one; of an unknown one, a fresh state."""
        found = await self._destinations.find_one({"_id": name})
        if found is None:
            return DestinationState(name)
        fields = {key: found[key] for key in DestinationState.__dataclass_fields__ if key in found}
        return DestinationState(**{**fields, "name": name})

    async def set(self, name: str, **fields: Any) -> None:
        """Set some fields of a state."""
        await self._destinations.update_one({"_id": name}, {"$set": fields}, upsert=True)
