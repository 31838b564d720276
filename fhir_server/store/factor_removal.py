"""Taking second factors away, never the last one where one has to stay.

Both kinds are in collections of their own. Each removal writes to the account's row of
`second_factors` first, so that of two at once one is repeated and sees what the other has done.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from pymongo.asynchronous.client_session import AsyncClientSession

from fhir_server.errors import NotPermitted, ResourceNotFound
from fhir_server.store.connection import Database


class FactorRemoval:
    """Removals in transactions. `keep_one` asks that something stays; else `NotPermitted`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def app(self, subject: str, *, keep_one: bool) -> None:
        """Forget the authenticator app and the recovery codes."""

        async def body(session: AsyncClientSession) -> None:
            await self._claim(subject, session)
            if keep_one and not await self._passkeys(subject, session):
                raise _last()
            await self._database["second_factors"].delete_one({"_id": subject}, session=session)

        await self._transact(body)

    async def passkey(self, subject: str, id: str, *, keep_one: bool) -> None:
        """Forget a passkey. Raises `ResourceNotFound` when the account has no such one."""

        async def body(session: AsyncClientSession) -> None:
            await self._claim(subject, session)
            if keep_one and await self._passkeys(subject, session) < 2:
                factors = self._database["second_factors"]
                if not await factors.find_one(
                    {"_id": subject, "seed": {"$gt": ""}}, session=session
                ):
                    raise _last()
            passkeys = self._database["passkeys"]
            gone = await passkeys.delete_one({"_id": id, "subject": subject}, session=session)
            if not gone.deleted_count:
                raise ResourceNotFound("You have no such passkey.")

        await self._transact(body)

    async def _claim(self, subject: str, session: AsyncClientSession) -> None:
        await self._database["second_factors"].update_one(
            {"_id": subject}, {"$inc": {"removals": 1}}, upsert=True, session=session
        )

    async def _passkeys(self, subject: str, session: AsyncClientSession) -> int:
        condition = {"subject": subject}
        return await self._database["passkeys"].count_documents(condition, session=session)

    async def _transact(self, body: Callable[[AsyncClientSession], Awaitable[None]]) -> None:
        async with self._database.client.start_session() as session:
            await session.with_transaction(body)


def _last() -> NotPermitted:
    return NotPermitted("Your role needs a second factor: set up another one first.")
