"""Opaque bearer tokens: issuing, recognising, revoking. RFC 6750."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from fhir_server.auth.caller import Caller
from fhir_server.clock import Clock
from fhir_server.errors import NotAuthenticated, NotPermitted
from fhir_server.store.accounts import Account, Token, TokenStore

EMERGENCY = "BTG"
"""Break the glass, of HL7's v3-ActReason."""

_NOTED = timedelta(seconds=60)
"""A use is noted when the last one noted is older: one write a minute, not one a request."""


@dataclass(frozen=True)
class Session:
    """Where somebody signed in. `idle` is in seconds, 0 for none."""

    idle: int = 0
    address: str = ""
    agent: str = ""


NO_SESSION = Session()


@dataclass(frozen=True)
class IssuedToken:
    """What the holder gets; `access_token` is seen this once and never stored.

    With `enrolling` it is for setting up a second factor and for nothing else.
    """

    access_token: str
    expires_in: int
    scope: str
    enrolling: bool = False


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
        self,
        account: Account,
        *,
        scope: str | None = None,
        lifetime: int | None = None,
        session: Session = NO_SESSION,
        emergency: str | None = None,
        enrolling: bool = False,
    ) -> IssuedToken:
        """A token for `account`. `lifetime` is in seconds.

        `emergency` is the one patient, as a literal reference, of an emergency access. With
        `enrolling` it is for setting up a second factor alone.
        """
        return await self._issue(
            account,
            account.scope if scope is None else scope,
            lifetime or self._lifetime,
            patient=emergency or _own_chart(account),
            idle=session.idle,
            address=session.address,
            agent=session.agent,
            purpose=EMERGENCY if emergency else "",
            enrolling=enrolling,
        )

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
        return await self._issue(
            account, scope, lifetime, patient=patient, client=client, grant=grant
        )

    async def _issue(self, account: Account, scope: str, seconds: int, **more: Any) -> IssuedToken:
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
            used=now,
            **more,
        )
        await self._tokens.add(token)
        return IssuedToken(access_token, seconds, token.scope, token.enrolling)

    async def authenticate(
        self, access_token: str, *, touch: bool = True, enrolling: bool = False
    ) -> Caller:
        """The caller behind a token. Without `touch` this is no use of it.

        Raises `NotAuthenticated`, and `NotPermitted` for a token that is for setting up a second
        factor alone, unless that is what happens (`enrolling`).
        """
        token, revision = await self._tokens.find_with_revision(_hash(access_token))
        if token is None:
            raise NotAuthenticated("The token is not valid: sign in.", error="invalid_token")
        now = self._clock()
        if token.expires <= now:
            raise NotAuthenticated("The token has expired: sign in.", error="invalid_token")
        if token.is_idle(now):
            await self._tokens.remove(token.hash)
            raise NotAuthenticated("Nothing was done for a while: sign in.", error="invalid_token")
        if token.enrolling and not enrolling:
            raise NotPermitted("Your role needs a second factor: set one up on the account page.")
        if touch and token.idle and now - (token.used or token.issued) >= _NOTED:
            await self._tokens.touch(token.hash, now)
        return Caller(
            reference=token.reference,
            display=token.display,
            scope=token.scope,
            roles=token.roles,
            token=token.hash,
            expires=token.expires,
            issued=token.issued,
            subject=token.subject,
            patient=token.patient,
            client=token.client,
            purpose=token.purpose,
            directives=revision,
            enrolling=token.enrolling,
        )

    async def withdraw(self, token: IssuedToken) -> None:
        """End a token that nobody has been given yet."""
        await self._tokens.remove(_hash(token.access_token))

    async def revoke(self, caller: Caller) -> None:
        """End the caller's token at once."""
        await self._tokens.remove(caller.token)


def _own_chart(account: Account) -> str | None:
    """What `patient/` scopes of a patient who signs in are about."""
    return account.reference if account.reference.startswith("Patient/") else None


def _hash(access_token: str) -> str:
    return hashlib.sha256(access_token.encode()).hexdigest()
