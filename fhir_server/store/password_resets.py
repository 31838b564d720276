"""Password resets in MongoDB: `password_resets {_id: SHA-256 of the token, subject, ...}`.

A reset is spent by one atomic removal: of any number of parallel uses exactly one succeeds.
"""

from __future__ import annotations

from datetime import datetime

from fhir_server.store.connection import Database


class PasswordResetStore:
    """The collection. MongoDB removes what has expired."""

    def __init__(self, database: Database) -> None:
        self._resets = database["password_resets"]

    async def add(self, hash: str, subject: str, now: datetime, expires: datetime) -> None:
        """Keep a reset that is about to be mailed."""
        await self._resets.insert_one(
            {"_id": hash, "subject": subject, "issued": now, "expires": expires, "sent": False}
        )

    async def sent(self, hash: str) -> None:
        """Note that the mail has left."""
        await self._resets.update_one({"_id": hash}, {"$set": {"sent": True}})

    async def sent_since(self, subject: str, moment: datetime) -> bool:
        """Whether a mail with a reset of the account left after `moment`."""
        found = {"subject": subject, "sent": True, "issued": {"$gt": moment}}
        return await self._resets.find_one(found, {"_id": 1}) is not None

    async def subject_of(self, hash: str, now: datetime) -> str | None:
        """Whose password a reset is for, until it expires or is used."""
        found = await self._resets.find_one({"_id": hash, "expires": {"$gt": now}})
        return str(found["subject"]) if found else None

    async def use(self, hash: str, now: datetime) -> bool:
        """Whether this is the first use, and in time."""
        gone = await self._resets.delete_one({"_id": hash, "expires": {"$gt": now}})
        return gone.deleted_count == 1

    async def drop(self, hash: str) -> None:
        """Forget a reset whose mail did not leave."""
        await self._resets.delete_one({"_id": hash})

    async def end(self, subject: str) -> None:
        """Forget every reset of an account."""
        await self._resets.delete_many({"subject": subject})
