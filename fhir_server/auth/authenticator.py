"""Opaque bearer tokens: issuing, recognising, revoking. RFC 6750."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from fhir_server.auth.caller import Caller
from fhir_server.clock import Clock
from fhir_server.errors import NotAuthenticated
from fhir_server.store.accounts import Account, Token, TokenStore


@dataclass(frozen=True)
class IssuedToken:
    """What the holder gets; `access_token` is seen this once and never stored."""

    access_token: str
    expires_in: int
    scope: str


class Authenticator:
    """Issues 256-bit random tokens and finds the caller behind one.

    `secret` gives a fresh URL-safe random text of 256 bits.
    """

    def __init__(
        self, tokens: TokenStore, *, clock: Clock, secret: Callable[[], str], lifetime: int
    ) -> None:
        self._tokens = tokens
        self._clock = clock
        self._secret = secret
        self._lifetime = lifetime

    async def issue(
        self, account: Account, *, scope: str | None = None, lifetime: int | None = None
    ) -> IssuedToken:
        """A token for `account`. `lifetime` is in seconds."""
        return await self._issue(account, scope or account.scope, lifetime or self._lifetime)

    async def _issue(
        self,
        account: Account,
        scope: str,
        seconds: int,
        patient: str | None = None,
        client: str = "",
        grant: str = "",
    ) -> IssuedToken:
        access_token = self._secret()
        now = self._clock()
        token = Token(
            hash=_hash(access_token),
            subject=account.username,
            reference=account.reference,
            display=account.display,
            roles=account.roles,
            scope=scope,
            issued=now,
            expires=now + timedelta(seconds=seconds),
            patient=patient,
            client=client,
            grant=grant,
        )
        await self._tokens.add(token)
        return IssuedToken(access_token, seconds, token.scope)

    async def issue_for(
        self,
        account: Account,
        *,
        scope: str,
        lifetime: int,
        client: str,
        patient: str | None = None,
        grant: str = "",
    ) -> IssuedToken:
        """A token of `account` in the hands of an application, narrowed to `scope`."""
        return await self._issue(account, scope, lifetime, patient, client, grant)

    async def authenticate(self, access_token: str) -> Caller:
        """The caller behind a token. Raises `NotAuthenticated`."""
        token = await self._tokens.find(_hash(access_token))
        if token is None:
            raise NotAuthenticated("The token is not valid: sign in.", error="invalid_token")
        if token.expires <= self._clock():
            raise NotAuthenticated("The token has expired: sign in.", error="invalid_token")
        return Caller(
            reference=token.reference,
            display=token.display,
            scope=token.scope,
            roles=token.roles,
            token=token.hash,
            expires=token.expires,
            subject=token.subject,
            patient=token.patient,
            client=token.client,
        )

    async def revoke(self, caller: Caller) -> None:
        """End the caller's token at once."""
        await self._tokens.remove(caller.token)


def _hash(access_token: str) -> str:
    return hashlib.sha256(access_token.encode()).hexdigest()
