"""Links by which somebody sets a password once. Known by SHA-256 alone.

    password_links  {_id: SHA-256 of the token, subject: user name, expires}

MongoDB removes what has expired.
"""

from __future__ import annotations

from datetime import datetime

from pymongo.asynchronous.client_session import AsyncClientSession

from fhir_server.store.connection import Database


class PasswordLinkStore:
    """The `password_links` collection."""

    def __init__(self, database: Database) -> None:
        self._links = database["password_links"]

    async def add(
        self,
        hash: str,
        subject: str,
        expires: datetime,
        session: AsyncClientSession | None = None,
    ) -> None:
        """Keep a new link; those that the account had before are void."""
        await self._links.delete_many({"subject": subject}, session=session)
        await self._links.insert_one(
            {"_id": hash, "subject": subject, "expires": expires}, session=session
        )

    async def find(self, hash: str, now: datetime) -> str | None:
        """Whose password it sets, while it holds."""
        found = await self._links.find_one({"_id": hash, "expires": {"$gt": now}})
        return str(found["subject"]) if found else None

    async def take(self, hash: str, session: AsyncClientSession) -> bool:
        """Use it up: of many takers one gets True."""
        return (await self._links.delete_one({"_id": hash}, session=session)).deleted_count == 1

    async def void(self, subject: str, session: AsyncClientSession) -> None:
        """Make the links of an account useless."""
        await self._links.delete_many({"subject": subject}, session=session)
