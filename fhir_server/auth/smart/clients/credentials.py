"""Random credentials of clients: secrets, registration tokens, invitations. Kept as SHA-256 only.

Rotation of a secret leaves the old one valid for a while, so that no deployment of a client stands
between two secrets.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace
from datetime import datetime, timedelta

from fhir_server.auth.smart.clients.client import Client, HashedSecret

OVERLAP = timedelta(days=7)
"""How long a replaced secret stays valid unless the operator says otherwise."""


def hashed(credential: str) -> str:
    """The SHA-256 by which a random credential of 256 bits is kept, in hexadecimal."""
    return hashlib.sha256(credential.encode()).hexdigest()


def with_secret(
    client: Client, secret: str, now: datetime, *, overlap: timedelta = OVERLAP
) -> Client:
    """The client with a new secret; those before it end after `overlap` or sooner."""
    end = now + overlap
    kept = tuple(
        replace(one, expires=min(one.expires or end, end))
        for one in client.secrets
        if one.expires is None or one.expires > now
    )
    if not overlap:
        kept = ()
    return replace(client, secrets=(*kept, HashedSecret(hashed(secret), now)))


def has_secret(client: Client, secret: str, now: datetime) -> bool:
    """Whether `secret` is one of the client's that are valid now."""
    presented = hashed(secret)
    return any(
        hmac.compare_digest(one.hash, presented)
        for one in client.secrets
        if one.expires is None or one.expires > now
    )
