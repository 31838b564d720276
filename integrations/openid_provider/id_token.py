"""What an id_token has to be before it is believed. OpenID Connect Core 1.0, 3.1.3.7."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from fhir_server.errors import Malformed, NotAuthenticated
from fhir_server.resource import loads

LEEWAY = 60
"""Seconds that clocks may differ."""

_LARGEST = 32 * 1024
_LONGEST_NAME = 255
_OLDEST = 600


class BadIdToken(NotAuthenticated):
    """The id_token is not what was asked for. `reason`, for the log, holds no claim's value."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            "The other side's answer was not accepted. Try again, or tell the operator."
        )
        self.reason = reason


@dataclass(frozen=True)
class Expected:
    """What this answer has to be for. `algorithms` are the signatures that are taken."""

    issuer: str
    client_id: str
    nonce: str
    algorithms: Sequence[str]


def header_of(text: str, algorithms: Sequence[str]) -> tuple[str, str]:
    """The kid and alg, of which only listed ones are taken. Raises `BadIdToken`."""
    parts = text.split(".")
    if len(text) > _LARGEST or len(parts) != 3:
        raise BadIdToken("no signed JWT")
    header = _object(parts[0])
    alg, kid = header.get("alg"), header.get("kid")
    if alg not in algorithms:
        raise BadIdToken("alg is not taken")
    if "crit" in header or "b64" in header:
        raise BadIdToken("the header asks for what is not understood here")
    if not isinstance(kid, str):
        raise BadIdToken("no kid")
    return kid, str(alg)


def claims_of(text: str, key: Mapping[str, Any], alg: str) -> dict[str, Any]:
    """The claims, signed by `key`, a sound public JWK. Raises `BadIdToken`."""
    try:
        public = (RSAKey if key["kty"] == "RSA" else ECKey).import_key(dict(key))
        signed = jws.deserialize_compact(text, public, algorithms=[alg])
        claims = loads(signed.payload)
    except (JoseError, ValueError, Malformed):
        raise BadIdToken("wrong signature") from None
    if not isinstance(claims, dict):
        raise BadIdToken("no object")
    return claims


def check(claims: Mapping[str, Any], expected: Expected, now: datetime) -> None:
    """Raise `BadIdToken` unless issuer, audience, times and nonce are right."""
    if claims.get("iss") != expected.issuer:
        raise BadIdToken("iss is another")
    _check_audience(claims, expected.client_id)
    at = Decimal(int(now.timestamp()))
    if _moment(claims, "exp") <= at - LEEWAY:
        raise BadIdToken("expired")
    issued = _moment(claims, "iat")
    if issued > at + LEEWAY or issued < at - _OLDEST:
        raise BadIdToken("iat is not now")
    if "nbf" in claims and _moment(claims, "nbf") > at + LEEWAY:
        raise BadIdToken("nbf is in the future")
    nonce = claims.get("nonce")
    if not isinstance(nonce, str) or not hmac.compare_digest(
        nonce.encode("utf-8", "replace"), expected.nonce.encode()
    ):
        raise BadIdToken("nonce is another")


def name_of(claims: Mapping[str, Any], claim: str) -> str:
    """The person's name for good. Raises `BadIdToken` when it cannot be one."""
    found = claims.get(claim)
    if not isinstance(found, str) or not found.isprintable() or not 0 < len(found) <= _LONGEST_NAME:
        raise BadIdToken("the claim that names a person is missing")
    return found


def _check_audience(claims: Mapping[str, Any], client_id: str) -> None:
    found = claims.get("aud")
    audiences = found if isinstance(found, list) else [found]
    if client_id not in audiences:
        raise BadIdToken("aud is another")
    party = claims.get("azp")
    if (len(audiences) > 1 or party is not None) and party != client_id:
        raise BadIdToken("azp is another")


def _moment(claims: Mapping[str, Any], name: str) -> Decimal:
    found = claims.get(name)
    if isinstance(found, bool) or not isinstance(found, int | Decimal) or not 0 <= found < 2**40:
        raise BadIdToken(f"{name} is no time")
    return Decimal(found)


def _object(part: str) -> dict[str, Any]:
    try:
        decoded = base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
        found = loads(decoded)
    except (Malformed, binascii.Error, ValueError):
        raise BadIdToken("no signed JWT") from None
    if not isinstance(found, dict):
        raise BadIdToken("no signed JWT")
    return found
