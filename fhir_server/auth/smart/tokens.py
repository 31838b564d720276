"""The token endpoint: codes, refresh tokens and client credentials become access tokens.

RFC 6749 4.1.3, 4.4 and 6, RFC 7636, OAuth 2.1 on rotation, SMART App Launch 2.2 and its backend
services. Access tokens live an hour, those of backend services five minutes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from fhir_server.auth.authenticator import Authenticator
from fhir_server.auth.scopes import grant as resource_scope
from fhir_server.auth.scopes import in_order, is_within
from fhir_server.auth.smart.clients.client import Client
from fhir_server.auth.smart.discovery import Addresses
from fhir_server.auth.smart.errors import (
    InvalidGrant,
    InvalidRequest,
    InvalidScope,
    UnauthorizedClient,
    UnsupportedGrantType,
)
from fhir_server.auth.smart.hashing import answers, hashed
from fhir_server.auth.smart.keys.id_token import id_token
from fhir_server.auth.smart.keys.signing import SigningKeys
from fhir_server.auth.smart.sessions import session_lasts
from fhir_server.clock import Clock
from fhir_server.store.accounts import Account, AccountStore, TokenStore
from fhir_server.store.smart.grants import Code, Grant, GrantStore, RefreshToken

ACCESS_SECONDS = 3600
BACKEND_SECONDS = 300
_ID_TOKEN_SECONDS = 3600

Json = dict[str, Any]


@dataclass(frozen=True)
class Issued:
    """The answer of the endpoint, and the grant that it comes from, for the audit."""

    body: Json
    grant: Grant


class TokenEndpoint:
    """Issues tokens to clients that have authenticated. `secret` gives 256 random bits as text."""

    def __init__(
        self,
        grants: GrantStore,
        authenticator: Authenticator,
        tokens: TokenStore,
        accounts: AccountStore,
        keys: SigningKeys,
        *,
        clock: Clock,
        secret: Callable[[], str],
        refresh_days: int,
    ) -> None:
        self._grants = grants
        self._authenticator = authenticator
        self._tokens = tokens
        self._accounts = accounts
        self._keys = keys
        self._clock = clock
        self._secret = secret
        self._refresh_life = timedelta(days=refresh_days)

    async def with_client(self, form: Mapping[str, str]) -> dict[str, str]:
        """The form with the `client_id` of its refresh token, where it names no client itself.

        SMART App Launch 2.2 (refresh) asks for none of a public application, and `fhirclient` of
        npm sends none. A client that has to authenticate is found and then refused for not having.
        Raises `InvalidGrant` for an unknown token.
        """
        named = any(form.get(name) for name in ("client_id", "client_secret", "client_assertion"))
        if named or form.get("grant_type") != "refresh_token":
            return dict(form)
        found = await self._grants.find(RefreshToken, hashed(form.get("refresh_token", "")))
        if found is None:
            raise InvalidGrant("The refresh token is unknown, expired or another application's.")
        return {**form, "client_id": found.client}

    async def issue(self, client: Client, form: Mapping[str, str], addresses: Addresses) -> Issued:
        """Answer a token request of `client`. Raises an `OAuthError`."""
        kind = form.get("grant_type")
        handlers = {
            "authorization_code": self._by_code,
            "refresh_token": self._by_refresh_token,
            "client_credentials": self._by_credentials,
        }
        if kind is None:
            raise InvalidRequest("grant_type is missing.")
        if kind not in handlers:
            raise UnsupportedGrantType(f"grant_type is one of {', '.join(handlers)}.")
        if kind not in client.grants:
            raise UnauthorizedClient("This application is not registered for that grant.")
        return await handlers[kind](client, form, addresses)

    async def _by_code(
        self, client: Client, form: Mapping[str, str], addresses: Addresses
    ) -> Issued:
        key = hashed(form.get("code", ""))
        code = await self._grants.find(Code, key)
        if code is None:
            raise InvalidGrant("The code is unknown.")
        if not code.used:
            grant = await self._proven(code, client, form)
            if await self._grants.use(Code, key) is not None:
                scopes = grant.scopes
                return await self._answer(
                    client, grant, scopes, addresses, auth_time=grant.auth_time
                )
        await self._grants.end(code.grant)  # stolen by one of the two: neither may go on
        raise InvalidGrant("The code was used before, so all that came of it has ended.")

    async def _proven(self, code: Code, client: Client, form: Mapping[str, str]) -> Grant:
        """The grant behind a code whose exchange proves all that it has to."""
        if code.client != client.id or code.expires <= self._clock():
            raise InvalidGrant("The code has expired or is another application's.")
        if form.get("redirect_uri") != code.redirect_uri:
            raise InvalidGrant("redirect_uri is not that of the authorization request.")
        if not answers(form.get("code_verifier", ""), code.challenge):
            raise InvalidGrant("code_verifier does not answer the code_challenge.")
        return await self._living(code.grant, client)

    async def _by_refresh_token(
        self, client: Client, form: Mapping[str, str], addresses: Addresses
    ) -> Issued:
        key = hashed(form.get("refresh_token", ""))
        found = await self._grants.find(RefreshToken, key)
        if found is None or found.client != client.id or found.expires <= self._clock():
            raise InvalidGrant("The refresh token is unknown, expired or another application's.")
        if not found.used:
            scopes = _narrowed(form.get("scope"), found.scopes)
            grant = await self._living(found.grant, client)
            if await self._grants.use(RefreshToken, key) is not None:
                return await self._answer(client, grant, scopes, addresses, kept=found.scopes)
        await self._grants.end(found.grant)
        raise InvalidGrant("The refresh token was used before, so all of its grant has ended.")

    async def _by_credentials(
        self, client: Client, form: Mapping[str, str], addresses: Addresses
    ) -> Issued:
        if client.method == "none":
            raise UnauthorizedClient("Client credentials are for those who authenticate.")
        asked = in_order(form.get("scope", "").split())
        scopes = tuple(one for one in asked if _is_of_system(one) and is_within(one, client.scopes))
        if not scopes:
            raise InvalidScope("None of these system/ scopes is registered for this application.")
        now = self._clock()
        grant = Grant(
            id=self._secret(),
            client=client.id,
            subject=client.id,
            reference=f"Device/{client.id}",
            display=client.name,
            roles=(),
            scopes=scopes,
            created=now,
            expires=now + timedelta(seconds=BACKEND_SECONDS),
        )
        await self._grants.add(grant)
        token = await self._authenticator.issue_for(
            _account(grant),
            scope=" ".join(scopes),
            lifetime=BACKEND_SECONDS,
            client=client.id,
            grant=grant.id,
        )
        return Issued(_body(token.access_token, token.expires_in, scopes), grant)

    async def _living(self, id: str, client: Client) -> Grant:
        """The grant, unless it, its person or (for online access) the session has ended.

        A session ends by idleness too, and nothing that an application does is a use of it.
        The roles are those that the person has now, whatever they were when it was given.
        """
        grant = await self._grants.find(Grant, id)
        if grant is None or grant.client != client.id or grant.expires <= self._clock():
            raise InvalidGrant("What was permitted has been revoked or has ended.")
        account = await self._accounts.find(grant.subject)
        if account is None or account.disabled:
            raise InvalidGrant("The account behind it is gone or disabled.")
        if not await session_lasts(grant, self._tokens, self._clock()):
            raise InvalidGrant("The person has signed out, or done nothing for a while.")
        return replace(grant, roles=account.roles)

    async def _answer(
        self,
        client: Client,
        grant: Grant,
        scopes: tuple[str, ...],
        addresses: Addresses,
        *,
        auth_time: datetime | None = None,
        kept: tuple[str, ...] | None = None,
    ) -> Issued:
        left = int((grant.expires - self._clock()).total_seconds())
        token = await self._authenticator.issue_for(
            _account(grant),
            scope=" ".join(scopes),
            lifetime=max(1, min(ACCESS_SECONDS, left)),
            client=client.id,
            patient=grant.patient,
            grant=grant.id,
        )
        body = _body(token.access_token, token.expires_in, scopes) | grant.context
        if "openid" in scopes:
            body["id_token"] = await self._id_token(
                client, grant, scopes, addresses, token.access_token, auth_time
            )
        if _may_refresh(client, grant):
            body["refresh_token"] = await self._refresh_token(client, grant, kept or scopes)
        await self._sweep(grant)
        return Issued(body, replace(grant, scopes=scopes))

    async def _sweep(self, grant: Grant) -> None:
        """End what was just issued if a second use of the same code or token has ended its grant.

        Whoever ends a grant removes it before its tokens, so one of the two sees the other.
        """
        if await self._grants.find(Grant, grant.id) is None:
            await self._grants.end(grant.id)

    async def _refresh_token(self, client: Client, grant: Grant, scopes: tuple[str, ...]) -> str:
        value = self._secret()
        ends = min(self._clock() + self._refresh_life, grant.expires)
        await self._grants.add(RefreshToken(hashed(value), grant.id, client.id, scopes, ends))
        return value

    async def _id_token(
        self,
        client: Client,
        grant: Grant,
        scopes: tuple[str, ...],
        addresses: Addresses,
        access_token: str,
        auth_time: datetime | None,
    ) -> str:
        return await id_token(
            self._keys,
            issuer=addresses.origin,
            subject=hashed(grant.subject)[:32],
            client_id=client.id,
            fhir_user=f"{addresses.fhir}/{grant.reference}" if "fhirUser" in scopes else None,
            nonce=grant.nonce,
            auth_time=auth_time,
            access_token=access_token,
            now=self._clock(),
            lifetime=_ID_TOKEN_SECONDS,
        )


def _account(grant: Grant) -> Account:
    return Account(
        username=grant.subject,
        password_hash="",
        reference=grant.reference,
        display=grant.display,
        roles=grant.roles,
        scope="",
    )


def _body(access_token: str, seconds: int, scopes: tuple[str, ...]) -> Json:
    return {
        "access_token": access_token,
        "token_type": "Bearer",
        "expires_in": seconds,
        "scope": " ".join(scopes),
    }


def _narrowed(asked: str | None, granted: tuple[str, ...]) -> tuple[str, ...]:
    if asked is None:
        return granted
    scopes = in_order(asked.split())
    if not scopes or not all(is_within(one, granted) for one in scopes):
        raise InvalidScope("A refresh may ask for less than was granted, never for more.")
    return scopes


def _is_of_system(scope: str) -> bool:
    found = resource_scope(scope)
    return found is not None and found.level == "system"


def _may_refresh(client: Client, grant: Grant) -> bool:
    asked = {"offline_access", "online_access"} & set(grant.scopes)
    return bool(asked) and "refresh_token" in client.grants
