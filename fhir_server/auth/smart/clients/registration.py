"""Registering clients: RFC 7591, and RFC 7592 for looking after a registration.

Whoever registers brings an invitation (the RFC's initial access token), which an operator made, or,
where registration is open, waits for an operator's approval: a client that nobody has looked at
never gets a token (OWASP ASVS 5.0 V10.4.7).
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from fhir_server.auth.smart.clients.client import Client, ClientStore
from fhir_server.auth.smart.clients.credentials import has_secret, hashed, with_secret
from fhir_server.auth.smart.clients.metadata import Metadata, read_metadata
from fhir_server.auth.smart.clients.scope_ceiling import limited
from fhir_server.auth.smart.errors import InvalidRequest, InvalidToken, TemporarilyUnavailable
from fhir_server.clock import Clock, Ids
from fhir_server.store.smart.invitations import Invitation, InvitationStore

SELF = "self-registered"
"""The owner of a client that nobody invited."""

MOST_PENDING = 100
"""Clients that may wait for approval: nobody looks through more, and anybody may add some."""

_SERVERS_OWN = (
    "registration_access_token",
    "registration_client_uri",
    "client_secret_expires_at",
    "client_id_issued_at",
)
# What a person approved: a change of any of these is looked at again.
_APPROVED = ("name", "redirect_uris", "launch_url", "method", "jwks", "jwks_uri", "grants",
             "logo_uri", "client_uri")  # fmt: skip


@dataclass(frozen=True)
class Registered:
    """A client with what is shown this once: its new secret and registration access token."""

    client: Client
    secret: str | None = None
    registration_token: str | None = None


class Registration:
    """Registers, reads, changes and removes clients.

    `secret` gives a fresh URL-safe random text of 256 bits; `ceiling` is the most that any client
    may register for; `open` lets anybody register, pending. `ended` is told the id of a removed
    client, for its tokens to end with it.
    """

    def __init__(
        self,
        clients: ClientStore,
        invitations: InvitationStore,
        *,
        clock: Clock,
        ids: Ids,
        secret: Callable[[], str],
        ceiling: tuple[str, ...],
        open: bool = False,
        ended: Callable[[str], Awaitable[None]] | None = None,
    ) -> None:
        self._clients = clients
        self._invitations = invitations
        self._clock = clock
        self._ids = ids
        self._secret = secret
        self._ceiling = ceiling
        self._open = open
        self._ended = ended

    async def invite(
        self, owner: str, *, scopes: tuple[str, ...] | None = None, days: int = 7
    ) -> str:
        """An invitation for one registration, shown this once. `owner` answers for the client."""
        token = self._secret()
        asked = self._ceiling if scopes is None else scopes
        expires = self._clock() + timedelta(days=days)
        invitation = Invitation(hashed(token), owner, limited(asked, self._ceiling), expires)
        await self._invitations.add(invitation)
        return token

    async def register(self, sent: Mapping[str, Any], token: str | None) -> Registered:
        """A new client.

        Raises `InvalidToken`, an error of the metadata, or `TemporarilyUnavailable`.
        """
        invitation = await self._invitation(token)
        if invitation is None and await self._clients.pending() >= MOST_PENDING:
            raise TemporarilyUnavailable("Too many clients wait for approval: come back later.")
        metadata = read_metadata(sent, invitation.scopes if invitation else self._ceiling)
        # Only now, so that a typing error does not cost the invitation; of two at once one gets it.
        if invitation and await self._invitations.take(invitation.hash) is None:
            raise InvalidToken("The invitation was used before.")
        owner = invitation.owner if invitation else SELF
        return await self.add(metadata, owner=owner, approved=invitation is not None)

    async def add(
        self, metadata: Metadata, *, owner: str, approved: bool, id: str | None = None
    ) -> Registered:
        """Store a client of checked metadata, as registration and operators do.

        Raises `VersionConflict` when the operator's `id` is taken.
        """
        now, token = self._clock(), self._secret()
        client = Client(
            id=id or self._ids(),
            **vars(metadata),
            owner=owner,
            created=now,
            status="active" if approved else "pending",
            registration_hash=hashed(token),
        )
        secret = self._secret() if metadata.has_secret else None
        if secret is not None:
            client = with_secret(client, secret, now)
        await self._clients.add(client)
        return Registered(client, secret, token)

    async def read(self, id: str, token: str | None) -> Client:
        """The client whose registration access token this is. Raises `InvalidToken`."""
        client = await self._clients.find(id)
        known = client.registration_hash if client else None
        if client is None or known is None or token is None:
            raise InvalidToken("The registration access token is missing or wrong.")
        if not hmac.compare_digest(known, hashed(token)):
            raise InvalidToken("The registration access token is missing or wrong.")
        return client

    async def update(self, id: str, token: str | None, sent: Mapping[str, Any]) -> Registered:
        """Replace a client's metadata. Scopes may shrink, never grow.

        Its tokens end when they shrink, and when what it is now has to be approved once more.

        Raises `InvalidToken`, `InvalidRequest`, an error of the metadata, or `VersionConflict`.
        """
        client = await self.read(id, token)
        self._check_own(client, sent)
        metadata = read_metadata(sent, client.scopes)
        changed = replace(client, **vars(metadata))
        waits = client.owner == SELF and client.status == "active"
        waits = waits and _needs_approval(client, changed)
        if waits:
            changed = replace(changed, status="pending")
        secret = None
        if not metadata.has_secret:
            changed = replace(changed, secrets=())
        elif not client.secrets:
            secret = self._secret()
            changed = with_secret(changed, secret, self._clock())
        replaced = await self._clients.replace(changed)
        if waits or limited(client.scopes, changed.scopes) != client.scopes:
            await self.end(client.id)
        return Registered(replaced, secret)

    async def remove(self, id: str, token: str | None) -> None:
        """Forget a client at its own wish. Raises `InvalidToken`."""
        client = await self.read(id, token)
        await self._clients.remove(client.id)
        await self.end(client.id)

    async def end(self, client: str) -> None:
        """Revoke every token that a client holds."""
        if self._ended is not None:
            await self._ended(client)

    async def _invitation(self, token: str | None) -> Invitation | None:
        """The invitation of a token; None without one where registration is open."""
        if token is None and self._open:
            return None
        found = await self._invitations.find(hashed(token)) if token else None
        if found is None or found.expires <= self._clock():
            raise InvalidToken("Registering takes an invitation, which is missing or over.")
        return found

    def _check_own(self, client: Client, sent: Mapping[str, Any]) -> None:
        """RFC 7592 section 2.2: what an update must and must not say."""
        if sent.get("client_id") != client.id:
            raise InvalidRequest("client_id is that of the address.")
        if any(name in sent for name in _SERVERS_OWN):
            raise InvalidRequest(f"An update has none of {', '.join(_SERVERS_OWN)}.")
        secret = sent.get("client_secret")
        if secret is not None and not (
            isinstance(secret, str) and has_secret(client, secret, self._clock())
        ):
            raise InvalidRequest("client_secret is left out, or the present one.")


def _needs_approval(was: Client, client: Client) -> bool:
    return any(getattr(was, name) != getattr(client, name) for name in _APPROVED)
