"""Introspection (RFC 7662) and revocation (RFC 7009) of tokens."""

from __future__ import annotations

from typing import Any

from fhir_server.auth.smart.discovery import Addresses
from fhir_server.auth.smart.hashing import hashed
from fhir_server.auth.smart.sessions import session_lasts
from fhir_server.clock import Clock
from fhir_server.store.accounts import Token, TokenStore
from fhir_server.store.smart.grants import Grant, GrantStore, RefreshToken

INACTIVE: dict[str, Any] = {"active": False}


class TokenInspection:
    """Tells what a token is, and ends it."""

    def __init__(self, grants: GrantStore, tokens: TokenStore, *, clock: Clock) -> None:
        self._grants = grants
        self._tokens = tokens
        self._clock = clock

    async def introspect(self, token: str, addresses: Addresses) -> dict[str, Any]:
        """What RFC 7662 2.2 and SMART say of an active token; nothing but that of another."""
        now, access = self._clock(), await self._tokens.find(hashed(token))
        if access is not None:
            if access.expires <= now or access.is_idle(now) or access.enrolling:
                return INACTIVE
            grant = await self._grants.find(Grant, access.grant) if access.grant else None
            return {
                "active": True,
                "token_type": "Bearer",
                "scope": access.scope,
                "client_id": access.client,
                "iat": int(access.issued.timestamp()),
                "exp": int(access.expires.timestamp()),
                "iss": addresses.origin,
                "sub": hashed(access.subject)[:32],
                "aud": addresses.fhir,
                **_user(access, addresses),
                **(grant.context if grant else {}),
            }
        refresh = await self._grants.find(RefreshToken, hashed(token))
        if refresh is None or refresh.used or refresh.expires <= now:
            return INACTIVE
        grant = await self._grants.find(Grant, refresh.grant)
        if grant is None or not await session_lasts(grant, self._tokens, now):
            return INACTIVE
        return {
            "active": True,
            "token_type": "refresh_token",
            "scope": " ".join(refresh.scopes),
            "client_id": refresh.client,
            "exp": int(refresh.expires.timestamp()),
            "iss": addresses.origin,
        }

    async def revoke(self, token: str, client: str) -> None:
        """End a token of the client: an access token alone, a refresh token with its whole grant.

        An unknown token, or another client's, is no error and changes nothing (RFC 7009 2.2).
        """
        key = hashed(token)
        access = await self._tokens.find(key)
        if access is not None and access.client == client:
            await self._tokens.remove(key)
            return
        refresh = await self._grants.find(RefreshToken, key)
        if refresh is not None and refresh.client == client:
            await self._grants.end(refresh.grant)


def _user(access: Token, addresses: Addresses) -> dict[str, str]:
    """Who it is, for a token that was granted to tell. SMART 2.2, token introspection."""
    if "fhirUser" not in access.scope.split():
        return {}
    return {"fhirUser": f"{addresses.fhir}/{access.reference}"}
