"""Rows that a write leaves behind for the relay, in the write's own transaction.

A row exists exactly when its write was committed, and stays until it was delivered: delivery is at
least once, in the order of the row ids.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fhir_server.store.connection import Database
from fhir_server.store.encryption import opened


@dataclass(frozen=True)
class OutboxRow:
    """One thing to deliver. `id` is unique for ever, so receivers can drop repetitions by it."""

    id: str
    topic: str
    partition: str
    type: str
    data: dict[str, Any]
    at: datetime


class Outbox:
    """The relay's view of the `outbox` collection."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._rows = database["outbox"]

    async def pending(self, limit: int = 500) -> list[OutboxRow]:
        """The oldest undelivered rows, oldest first."""
        rows = await self._rows.find().sort("_id", 1).limit(limit).to_list()
        return [
            OutboxRow(
                id=row["_id"],
                topic=row["topic"],
                partition=row["partition"],
                type=row["type"],
                data=row["data"],
                at=row["at"],
            )
            for row in await opened(self._database, "outbox", rows)
        ]

    async def delivered(self, ids: Sequence[str]) -> None:
        """Forget rows that their receivers have."""
        await self._rows.delete_many({"_id": {"$in": list(ids)}})
