"""Registered applications (OAuth clients): approving, narrowing, ending them; invitations."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

from fhir_server.administration.acts import Act, Actor, Acts
from fhir_server.auth.smart.clients.client import Client, ClientStore
from fhir_server.auth.smart.clients.credentials import hashed, with_secret
from fhir_server.auth.smart.clients.scope_ceiling import limited
from fhir_server.clock import Clock
from fhir_server.errors import InvalidParameter, ResourceNotFound, VersionConflict
from fhir_server.store import UnitOfWork
from fhir_server.store.access_ending import end_client
from fhir_server.store.smart.invitations import Invitation, InvitationStore

CEILING = (
    "openid", "fhirUser", "profile", "launch", "launch/patient", "launch/encounter",
    "online_access", "offline_access", "patient/*.cruds", "user/*.cruds", "system/*.cruds",
)  # fmt: skip
"""What an operator may give an application: everything."""

INVITATION_ID = 16
"""Digits of an invitation's hash that name it: nobody can register by them."""

_Change = Callable[[UnitOfWork, Client], Awaitable[Client]]


class Applications:
    """The acts on clients. All raise `ResourceNotFound` for an unknown id.

    `secret` gives 256 random bits as text.
    """

    def __init__(
        self,
        acts: Acts,
        clients: ClientStore,
        invitations: InvitationStore,
        *,
        clock: Clock,
        secret: Callable[[], str],
    ) -> None:
        self._acts = acts
        self._clients = clients
        self._invitations = invitations
        self._clock = clock
        self._secret = secret

    async def find(self, id: str) -> Client:
        """The client of that id."""
        client = await self._clients.find(id)
        if client is None:
            raise ResourceNotFound(f"There is no client {id}.")
        return client

    async def all(self) -> list[Client]:
        """Every client, by id."""
        return await self._clients.all()

    async def approve(self, actor: Actor, id: str, scopes: tuple[str, ...] | None = None) -> Client:
        """Let it ask for tokens, with fewer scopes than it asked for if some are given.

        Tokens from before end when that is less: it may have waited for approval once more.
        """

        async def body(unit: UnitOfWork, client: Client) -> Client:
            wanted = client.scopes if scopes is None else scopes
            if limited(wanted, client.scopes) != wanted:
                raise InvalidParameter("It asked for less than that.")
            if limited(client.scopes, wanted) != client.scopes:
                await end_client(unit.database, client.id, unit.session)
            changed = replace(client, status="active", scopes=wanted)
            return await self._clients.replace(changed, unit.session)

        return await self._change(actor, id, "clients/approve", body)

    async def disable(self, actor: Actor, id: str) -> Client:
        """Take its tokens away and give it no more."""

        async def body(unit: UnitOfWork, client: Client) -> Client:
            await end_client(unit.database, client.id, unit.session)
            return await self._clients.replace(replace(client, status="disabled"), unit.session)

        return await self._change(actor, id, "clients/disable", body)

    async def set_scopes(self, actor: Actor, id: str, scopes: tuple[str, ...]) -> Client:
        """Set the most that it may ever get. Its tokens end when that is less than before.

        Raises `InvalidParameter` for what is no scope.
        """

        async def body(unit: UnitOfWork, client: Client) -> Client:
            known = limited(scopes, CEILING)
            if not known or known != tuple(dict.fromkeys(scopes)):
                wrong = [one for one in scopes if one not in known]
                raise InvalidParameter(f"No scope of this server: {' '.join(wrong) or 'none'}.")
            if limited(client.scopes, known) != client.scopes:
                await end_client(unit.database, client.id, unit.session)
            return await self._clients.replace(replace(client, scopes=known), unit.session)

        return await self._change(actor, id, "clients/scopes", body, (("scope", " ".join(scopes)),))

    async def rotate_secret(self, actor: Actor, id: str, hours: int) -> str:
        """A new secret, shown this once; the old one holds for `hours` more."""
        secret = self._secret()

        async def body(unit: UnitOfWork, client: Client) -> Client:
            if not client.method.startswith("client_secret"):
                raise VersionConflict("This client does not authenticate with a secret.")
            overlap = timedelta(hours=hours)
            changed = with_secret(client, secret, self._clock(), overlap=overlap)
            return await self._clients.replace(changed, unit.session)

        await self._change(actor, id, "clients/secret", body)
        return secret

    async def remove(self, actor: Actor, id: str) -> None:
        """Forget it, with all that it may do."""

        async def body(unit: UnitOfWork, client: Client) -> Client:
            await self._clients.remove(client.id, unit.session)
            await end_client(unit.database, client.id, unit.session)
            return client

        await self._change(actor, id, "clients/remove", body)

    async def invite(
        self, actor: Actor, owner: str, scopes: tuple[str, ...], days: int
    ) -> tuple[str, Invitation]:
        """An invitation for one registration, and its token, shown this once."""
        token = self._secret()
        known = limited(scopes, CEILING)
        invitation = Invitation(hashed(token), owner, known, self._clock() + timedelta(days=days))
        details = (("owner", owner), ("scope", " ".join(scopes)))

        async def body(unit: UnitOfWork) -> None:
            if not known or known != tuple(dict.fromkeys(scopes)):
                raise InvalidParameter("The scopes are not all scopes of this server.")
            await self._invitations.add(invitation, unit.session)

        await self._acts.do(actor, Act("invitations", "registration", details=details), body)
        return token, invitation

    async def invitations(self) -> list[Invitation]:
        """Those that can still be used."""
        return await self._invitations.open(self._clock())

    async def withdraw(self, actor: Actor, id: str) -> None:
        """Make an invitation useless. Raises `ResourceNotFound`."""
        found = [one for one in await self.invitations() if one.hash[:INVITATION_ID] == id]

        async def body(unit: UnitOfWork) -> None:
            if not found or not await self._invitations.remove(found[0].hash, unit.session):
                raise ResourceNotFound("There is no such invitation any more.")

        details = (("invitation", id),)
        await self._acts.do(
            actor, Act("invitations/withdraw", "registration", details=details), body
        )

    async def _change(
        self,
        actor: Actor,
        id: str,
        name: str,
        body: _Change,
        details: tuple[tuple[str, str], ...] = (),
    ) -> Client:
        act = Act(name, "registration", details=(("client", id), *details))

        async def work(unit: UnitOfWork) -> Client:
            return await body(unit, await self.find(id))

        return await self._acts.do(actor, act, work)
