"""How this server proves who it is at the token endpoint. OpenID Connect Core 1.0 section 9."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import quote_plus

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from fhir_server.errors import Malformed
from fhir_server.identity_settings import ProviderSettings
from fhir_server.resource import loads

_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_LIFE = 60
_ALGORITHM = {"P-256": "ES256", "P-384": "ES384"}

Proof = tuple[dict[str, str], dict[str, str]]
"""Headers and parameters to send along."""


class ClientAuthentication:
    """By a secret or a private key. Raises `ValueError` for what is no private key.

    `secret` gives 256 random bits as text.
    """

    def __init__(self, settings: ProviderSettings, *, secret: Callable[[], str]) -> None:
        self._id = settings.client_id
        self._password = settings.client_secret.get_secret_value()
        self._secret = secret
        text = settings.private_key.get_secret_value()
        self._key = _private(text) if text else None

    def prove(self, audience: str, now: datetime) -> Proof:
        """What goes with a request to the token endpoint; `audience` is the issuer."""
        if self._key is None:
            # RFC 6749 2.3.1: both are form-urlencoded first, which many forget.
            pair = f"{quote_plus(self._id)}:{quote_plus(self._password)}".encode()
            return {"Authorization": f"Basic {base64.b64encode(pair).decode('ascii')}"}, {}
        key, header = self._key
        at = int(now.timestamp())
        claims = {
            "iss": self._id,
            "sub": self._id,
            "aud": audience,
            "jti": self._secret(),
            "iat": at,
            "exp": at + _LIFE,
        }
        assertion = jwt.encode(header, claims, key, algorithms=[header["alg"]])
        return {}, {"client_assertion_type": _ASSERTION, "client_assertion": assertion}


def _private(text: str) -> tuple[RSAKey | ECKey, dict[str, str]]:
    """The key, and the header of what it signs."""
    try:
        told: Any = loads(text.encode())
        key = (RSAKey if told["kty"] == "RSA" else ECKey).import_key(told)
        if not key.is_private:
            raise ValueError
        alg = told.get("alg") or ("RS256" if told["kty"] == "RSA" else _ALGORITHM[told["crv"]])
        return key, {"alg": alg, "kid": told["kid"], "typ": "JWT"}
    except (Malformed, JoseError, KeyError, TypeError, ValueError):
        raise ValueError("the provider's private_key is no private JWK with a kid") from None
