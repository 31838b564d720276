"""id_tokens. OpenID Connect Core 2 and 3.1.3.6, with `fhirUser` of SMART App Launch 2.2."""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime
from typing import Any

from fhir_server.auth.smart.keys.signing import SigningKeys


async def id_token(
    keys: SigningKeys,
    *,
    issuer: str,
    subject: str,
    client_id: str,
    fhir_user: str | None,
    nonce: str | None,
    auth_time: datetime | None,
    access_token: str | None,
    now: datetime,
    lifetime: int,
) -> str:
    """A signed id_token that lives `lifetime` seconds.

    `fhir_user` is the URL of the person's resource, left out unless the scope was granted. Raises
    `ValueError` for a subject that is not 1 to 255 ASCII characters.
    """
    if not 0 < len(subject) <= 255 or not subject.isascii():
        raise ValueError("The subject of an id_token is 1 to 255 ASCII characters.")
    issued = int(now.timestamp())
    claims: dict[str, Any] = {
        "iss": issuer,
        "sub": subject,
        "aud": client_id,
        "iat": issued,
        "exp": issued + lifetime,
        "auth_time": int(auth_time.timestamp()) if auth_time else None,
        "nonce": nonce,
        "fhirUser": fhir_user,
        "at_hash": at_hash(access_token) if access_token else None,
    }
    return await keys.sign({name: value for name, value in claims.items() if value is not None})


def at_hash(access_token: str) -> str:
    """Binds an id_token to its access token: the left half of the SHA-256, base64url."""
    half = hashlib.sha256(access_token.encode("ascii")).digest()[:16]
    return base64.urlsafe_b64encode(half).rstrip(b"=").decode()
