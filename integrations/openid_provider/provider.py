"""The authorization code flow with PKCE. OpenID Connect Core 1.0, 3.1; RFC 7636, 9207 and 9700.

One issuer is known, each answer is held against what was asked of it, and its `iss` where it gives
one: a code meant for another provider goes nowhere (mix-up, RFC 9700 section 4.4).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import structlog

from fhir_server.auth.identity.provider import Asked, Identity, Returned
from fhir_server.clock import Clock
from fhir_server.errors import NotAuthenticated
from fhir_server.identity_settings import ProviderSettings
from integrations.openid_provider.authentication import ClientAuthentication
from integrations.openid_provider.exchange import Client, Exchange
from integrations.openid_provider.id_token import (
    BadIdToken,
    Expected,
    check,
    claims_of,
    header_of,
    name_of,
)
from integrations.openid_provider.metadata import Discovery, Metadata

_MOST = 20
_log = structlog.get_logger("aimed.provider")


class OpenIdProvider:
    """An `IdentityProvider`. `secret` gives 256 random bits as text."""

    def __init__(
        self,
        client: Client,
        settings: ProviderSettings,
        *,
        clock: Clock,
        secret: Callable[[], str],
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._exchange = Exchange(client, settings.label)
        self._discovery = Discovery(self._exchange, settings.issuer, clock=clock)
        self._authentication = ClientAuthentication(settings, secret=secret)

    @property
    def issuer(self) -> str:
        """As the settings name it."""
        return self._settings.issuer

    async def address(self, asked: Asked) -> str:
        """The authorization request."""
        endpoint = (await self._discovery.metadata()).authorization
        sent = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": asked.redirect_uri,
            "scope": " ".join(self._settings.scopes),
            "state": asked.state,
            "nonce": asked.nonce,
            "code_challenge": _challenge(asked.verifier),
            "code_challenge_method": "S256",
        }
        if self._settings.second_factor_acr:
            sent["acr_values"] = " ".join(self._settings.second_factor_acr)
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(sent)}"

    async def identify(self, returned: Returned, asked: Asked) -> Identity:
        """Redeem the code, check the id_token, and say whom it names."""
        try:
            return await self._identify(returned, asked)
        except BadIdToken as error:
            _log.warning("answer of the OpenID provider refused", reason=error.reason)
            raise

    async def _identify(self, returned: Returned, asked: Asked) -> Identity:
        metadata = await self._discovery.metadata()
        self._check_sender(returned, metadata)
        token = await self._redeem(returned.code, asked, metadata)
        kid, alg = header_of(token, self._settings.algorithms)
        key = await self._discovery.key(kid, alg)
        if key is None:
            raise BadIdToken("unknown key")
        claims = claims_of(token, key, alg)
        expected = Expected(
            self.issuer, self._settings.client_id, asked.nonce, self._settings.algorithms
        )
        check(claims, expected, self._clock())
        name_of(claims, "sub")
        return Identity(
            issuer=self.issuer,
            subject=name_of(claims, self._settings.claim),
            amr=_texts(claims.get("amr")),
            acr=acr if isinstance(acr := claims.get("acr"), str) else "",
        )

    def _check_sender(self, returned: Returned, metadata: Metadata) -> None:
        """RFC 9207 2.4: `iss` must be there if the provider says so, and be this one if it is."""
        if returned.iss is None and not metadata.names_itself:
            return
        if returned.iss != self.issuer:
            raise BadIdToken("the answer comes from another issuer")

    async def _redeem(self, code: str, asked: Asked, metadata: Metadata) -> str:
        """The id_token for a code. Raises `NotAuthenticated` when the provider refuses."""
        headers, proof = self._authentication.prove(self.issuer, self._clock())
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": asked.redirect_uri,
            "code_verifier": asked.verifier,
            "client_id": self._settings.client_id,
            **proof,
        }
        if headers:  # by Basic it is named there, and RFC 6749 2.3 permits one way at a time
            del form["client_id"]
        status, told = await self._exchange.post(metadata.token, headers, urlencode(form).encode())
        if status != 200:
            _log.warning("OpenID provider refused a code", status=status)
            if status >= 500:
                raise self._exchange.silent()
            raise NotAuthenticated("The other side does not know of this sign-in: start again.")
        token = told.get("id_token")
        if not isinstance(token, str):
            raise BadIdToken("no id_token")
        return token


def _challenge(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def _texts(found: Any) -> tuple[str, ...]:
    named = found if isinstance(found, list) else []
    return tuple(one for one in named[:_MOST] if isinstance(one, str))
