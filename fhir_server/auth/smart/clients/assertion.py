"""The JWT by which a client authenticates with its private key.

SMART App Launch 2.2, client-confidential-asymmetric: signed with RS384 or ES384, kid in the header,
iss and sub the client's id, aud the token endpoint, at most five minutes of life, a jti used once.
The issuer is taken as aud too: it names the server (RFC 7523 section 3), and it is all that clients
after the draft rfc7523bis send, as oauth4webapi 3 does.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from fhir_server.auth.smart.errors import InvalidClient
from fhir_server.auth.smart.keys.soundness import ALGORITHMS
from fhir_server.errors import Malformed
from fhir_server.resource import loads

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LONGEST_LIFE = 300
"""Seconds from now to `exp`, as SMART limits it."""

LEEWAY = 60
"""Seconds that clocks may differ; Inferno sends exactly now + 300."""

_LARGEST = 16 * 1024
_LONGEST_ID = 512
# MongoDB removes by its own clock; a used jti has to outlive its assertion by ours.
_KEPT_AFTER = timedelta(seconds=300)


@dataclass(frozen=True)
class Assertion:
    """A well-formed assertion. Nothing in it is to be believed before `verify`."""

    text: str
    alg: str
    kid: str
    jku: str | None
    client_id: str
    jti: str
    claims: Mapping[str, Any]

    def check(self, audiences: tuple[str, ...], now: datetime) -> datetime:
        """Until when its jti has to be remembered. Raises `InvalidClient` if a claim is wrong.

        `audiences` are the names of this server, of which aud has one.
        """
        found = self.claims.get("aud")
        named = found if isinstance(found, list) else [found]
        if not any(one in named for one in audiences):
            raise InvalidClient("The assertion's aud is not this token endpoint.")
        at = Decimal(int(now.timestamp()))
        expires = _moment(self.claims, "exp")
        if expires is None:
            raise InvalidClient("The assertion has no exp.")
        if expires <= at:
            raise InvalidClient("The assertion has expired.")
        if expires > at + LONGEST_LIFE + LEEWAY:
            raise InvalidClient(f"The assertion's exp is over {LONGEST_LIFE} seconds ahead.")
        for name in ("nbf", "iat"):
            if (_moment(self.claims, name) or at) > at + LEEWAY:
                raise InvalidClient(f"The assertion's {name} is in the future.")
        return datetime.fromtimestamp(int(expires) + 1, UTC) + _KEPT_AFTER


def read(text: str) -> Assertion:
    """Take an assertion apart. Raises `InvalidClient` unless its form is right."""
    parts = text.split(".")
    if len(text) > _LARGEST or len(parts) != 3:
        raise InvalidClient("The client_assertion is no signed JWT.")
    header, claims = _object(parts[0]), _object(parts[1])
    alg, kid, jku = header.get("alg"), header.get("kid"), header.get("jku")
    if alg not in ALGORITHMS:
        raise InvalidClient(f"The assertion's alg is none of {', '.join(ALGORITHMS)}.")
    if not isinstance(kid, str) or not kid:
        raise InvalidClient("The assertion's header has no kid.")
    if str(header.get("typ", "JWT")).upper() != "JWT":
        raise InvalidClient("The assertion's typ is not JWT.")
    if "crit" in header or "b64" in header:
        raise InvalidClient("The assertion's header asks for what is not understood here.")
    if jku is not None and not isinstance(jku, str):
        raise InvalidClient("The assertion's jku is no text.")
    client_id, jti = _name(claims, "iss"), _name(claims, "jti")
    if _name(claims, "sub") != client_id:
        raise InvalidClient("The assertion's iss and sub differ.")
    return Assertion(text, str(alg), kid, jku, client_id, jti, claims)


def verify(assertion: Assertion, key: dict[str, Any]) -> None:
    """Raise `InvalidClient` unless `key`, a sound public JWK, made the signature."""
    try:
        public = (RSAKey if key["kty"] == "RSA" else ECKey).import_key(key)
        jws.deserialize_compact(assertion.text, public, algorithms=[assertion.alg])
    except (JoseError, ValueError):
        raise InvalidClient("The assertion's signature is wrong.") from None


def _object(part: str) -> dict[str, Any]:
    """The JSON object in a part of a JWT; a name that comes twice is refused."""
    try:
        decoded = base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
        found = loads(decoded)
    except (Malformed, binascii.Error, ValueError):
        raise InvalidClient("The client_assertion is no signed JWT.") from None
    if not isinstance(found, dict):
        raise InvalidClient("The client_assertion is no signed JWT.")
    return found


def _name(claims: Mapping[str, Any], name: str) -> str:
    found = claims.get(name)
    # Half of a surrogate pair is not printable, and no text that MongoDB could look for.
    if not isinstance(found, str) or not found.isprintable() or not 0 < len(found) <= _LONGEST_ID:
        raise InvalidClient(f"The assertion needs {name}, a text of at most {_LONGEST_ID}.")
    return found


def _moment(claims: Mapping[str, Any], name: str) -> Decimal | None:
    """A NumericDate: seconds since 1970, whole or not. RFC 7519 section 2."""
    found = claims.get(name)
    if found is None:
        return None
    if isinstance(found, bool) or not isinstance(found, int | Decimal) or not 0 <= found < 2**40:
        raise InvalidClient(f"The assertion's {name} is no time in seconds.")
    return Decimal(found)
