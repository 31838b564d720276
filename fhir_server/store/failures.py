"""Failed sign-ins, counted by account and by network address. OWASP ASVS 5.0 V6.3.1."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from pymongo import ReturnDocument
from pymongo.asynchronous.client_session import AsyncClientSession

from fhir_server.store.connection import Database

KEEP = timedelta(days=1)
"""How long failures are remembered after the last one."""


@dataclass(frozen=True)
class Failures:
    """How many in a row, and until when no further try counts."""

    count: int
    until: datetime | None


class FailureStore:
    """The `sign_in_failures` collection; `_id` is `account:name` or `address:ip`."""

    def __init__(self, database: Database) -> None:
        self._failures = database["sign_in_failures"]

    async def blocked_until(self, keys: tuple[str, ...], now: datetime) -> datetime | None:
        """The latest end of a pause that one of the keys is in."""
        found = await self._failures.find(
            {"_id": {"$in": list(keys)}, "until": {"$gt": now}}
        ).to_list()
        return max((one["until"] for one in found), default=None)

    async def add(self, key: str, now: datetime) -> int:
        """Count one more failure and return how many there are in a row.

        Made first and then counted, not upserted at once: of many upserts of one document
        SecantusDB tells only the first what it made, and each would take itself for the first.
        """
        expires = now + KEEP
        while True:
            found = await self._failures.find_one_and_update(
                {"_id": key},
                {"$inc": {"count": 1}, "$set": {"expires": expires}},
                return_document=ReturnDocument.AFTER,
            )
            if found is not None:
                return int(found["count"])
            none = {"$setOnInsert": {"count": 0, "expires": expires}}
            await self._failures.update_one({"_id": key}, none, upsert=True)

    async def pause(self, key: str, until: datetime) -> None:
        """Let no try count before `until`."""
        await self._failures.update_one({"_id": key}, {"$max": {"until": until}})

    async def take(self, key: str, now: datetime, until: datetime) -> bool:
        """Begin a pause until then; of any number at once one does, and none during another."""
        taken = await self._failures.update_one(
            {"_id": key, "until": {"$not": {"$gt": now}}}, {"$set": {"until": until}}
        )
        return taken.matched_count == 1

    async def find(self, key: str) -> Failures:
        """How often it failed, and the end of the last pause."""
        found = await self._failures.find_one({"_id": key}) or {}
        return Failures(int(found.get("count", 0)), found.get("until"))

    async def clear(self, key: str, session: AsyncClientSession | None = None) -> None:
        """Forget the failures of a key: somebody knew the password, or vouches for the person."""
        await self._failures.delete_one({"_id": key}, session=session)
