"""Where people are signed in, and ending that."""

from __future__ import annotations

from fhir_server.administration.acts import Actor
from fhir_server.administration.people import People
from fhir_server.errors import ResourceNotFound
from fhir_server.store import UnitOfWork
from fhir_server.store.access_ending import end_person
from fhir_server.store.accounts import Account, Token, TokenStore

ID = 16
"""Digits of a token's hash that name a session: nobody can use it by them."""


class Sessions:
    """The sessions of an account, those of applications in its name included."""

    def __init__(self, people: People, tokens: TokenStore) -> None:
        self._people = people
        self._tokens = tokens

    async def of(self, username: str) -> list[Token]:
        """Every session, newest first. Raises `ResourceNotFound`."""
        account = await self._people.find(username)
        return await self._tokens.of_subject(account.username)

    async def end(self, actor: Actor, username: str, id: str) -> None:
        """End one. Raises `ResourceNotFound`."""
        hashes = [one.hash for one in await self.of(username) if one.hash[:ID] == id]

        async def body(unit: UnitOfWork, account: Account) -> None:
            if not hashes:
                raise ResourceNotFound("There is no such session any more.")
            await self._tokens.remove(hashes[0], unit.session)

        details = (("username", username.lower()), ("session", id))
        await self._people.change(actor, username, "users/sessions/end", "logout", body, details)

    async def end_all(self, actor: Actor, username: str) -> None:
        """End every session and everything that applications may do in the person's name."""

        async def body(unit: UnitOfWork, account: Account) -> None:
            await end_person(unit.database, account.username, unit.session)

        await self._people.change(actor, username, "users/sessions/end-all", "logout", body)
