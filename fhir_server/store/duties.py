"""When each periodic duty is due, and who is at it. One document a duty, in `duties`:

    {_id: "signing-keys", due, held, ended, outcome, failed}

A duty is taken by one atomic update, so of any number of processes one does it. Who takes it holds
it until `held`; when that process is killed meanwhile, another takes the duty after that time.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pymongo.errors import DuplicateKeyError

from fhir_server.store.connection import Database


@dataclass(frozen=True)
class DutyState:
    """`outcome` tells how the last run, which ended at `ended`, went."""

    name: str
    due: datetime
    held: datetime | None = None
    ended: datetime | None = None
    outcome: str = ""
    failed: bool = False


class DutyStore:
    """The `duties` collection."""

    def __init__(self, database: Database) -> None:
        self._duties = database["duties"]

    async def all(self) -> list[DutyState]:
        """Every duty that was ever planned, by name."""
        return [_state(found) async for found in self._duties.find().sort("_id", 1)]

    async def plan(self, name: str, due: datetime) -> None:
        """Say when a duty is due for the first time; nothing changes for one that is known."""
        with suppress(DuplicateKeyError):  # another process was quicker
            await self._duties.update_one(
                {"_id": name}, {"$setOnInsert": {"due": due, "held": None}}, upsert=True
            )

    async def take(self, name: str, now: datetime, until: datetime) -> bool:
        """Whether the duty is due, nobody holds it, and it is now the caller's until `until`."""
        free = {"$or": [{"held": None}, {"held": {"$lte": now}}]}
        taken = await self._duties.update_one(
            {"_id": name, "due": {"$lte": now}, **free}, {"$set": {"held": until}}
        )
        return taken.modified_count == 1

    async def done(
        self, name: str, held: datetime, *, due: datetime, at: datetime, outcome: str, failed: bool
    ) -> None:
        """Give the duty back and say when it is due again. Nothing if another holds it by now."""
        told = {"due": due, "held": None, "ended": at, "outcome": outcome, "failed": failed}
        await self._duties.update_one({"_id": name, "held": held}, {"$set": told})


def _state(found: dict[str, Any]) -> DutyState:
    fields = {name: found[name] for name in DutyState.__dataclass_fields__ if name in found}
    return DutyState(name=found["_id"], **fields)
