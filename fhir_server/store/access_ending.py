"""Ending all that somebody can act with: sessions, authorizations of applications, refresh tokens.

Grants go before tokens, as the token endpoint counts on: whoever issues a token looks afterwards
whether its grant is still there.
"""

from __future__ import annotations

from pymongo.asynchronous.client_session import AsyncClientSession

from fhir_server.store.connection import Database


async def end_person(database: Database, username: str, session: AsyncClientSession) -> None:
    """End every session of an account and everything that applications may do in its name."""
    mine = {"subject": username.lower()}
    grants = [
        one["_id"] async for one in database["oauth_grants"].find(mine, {"_id": 1}, session=session)
    ]
    await database["oauth_grants"].delete_many(mine, session=session)
    of_grants = {"grant": {"$in": grants}}
    await database["oauth_refresh_tokens"].delete_many(of_grants, session=session)
    await database["tokens"].delete_many(mine, session=session)
    await database["continuations"].delete_many(mine, session=session)
    await database["password_resets"].delete_many(mine, session=session)


async def end_client(database: Database, client: str, session: AsyncClientSession) -> None:
    """End every authorization and token of an application."""
    for name in ("oauth_grants", "oauth_refresh_tokens", "tokens"):
        await database[name].delete_many({"client": client}, session=session)
