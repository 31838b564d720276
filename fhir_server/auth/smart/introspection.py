"""Introspection (RFC 7662) and revocation (RFC 7009) of tokens."""

from __future__ import annotations

from typing import Any

from fhir_server.auth.smart.discovery import Addresses
from fhir_server.auth.smart.hashing import hashed
from fhir_server.clock import Clock
from fhir_server.store.accounts import TokenStore
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
        access = await self._tokens.find(hashed(token))
        if access is not None:
            if access.expires <= self._clock():
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
                "fhirUser": f"{addresses.fhir}/{access.reference}",
                **(grant.context if grant else {}),
            }
        refresh = await self._grants.find(RefreshToken, hashed(token))
        if refresh is None or refresh.used or refresh.expires <= self._clock():
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
