"""A client with a private key, as the tests play it, and a clock that they set."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from joserfc import jws
from joserfc.jwk import ECKey, RSAKey

from fhir_server.auth.smart.clients.assertion import ASSERTION_TYPE
from fhir_server.auth.smart.clients.client import Client
from fhir_server.resource import dumps

ISSUER = "https://ehr.example"
ENDPOINT = f"{ISSUER}/auth/token"
START = datetime(2100, 11, 1, 12, 0, tzinfo=UTC)
"""Not in the past: what has expired by the real clock MongoDB removes, once a minute."""


class SetClock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def move(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def public(key: RSAKey | ECKey, **members: Any) -> dict[str, Any]:
    return {**key.as_dict(private=False), **members}


def client(**fields: Any) -> Client:
    usual: dict[str, Any] = {
        "id": "backend",
        "name": "Backend",
        "redirect_uris": (),
        "method": "private_key_jwt",
        "scopes": ("system/*.rs",),
        "grants": ("client_credentials",),
        "owner": "operator",
        "created": START,
    }
    return Client(**{**usual, **fields})


def claims(now: datetime, **changes: Any) -> dict[str, Any]:
    """Right claims, changed; None leaves one out."""
    usual = {
        "iss": "backend",
        "sub": "backend",
        "aud": ENDPOINT,
        "exp": int(now.timestamp()) + 300,
        "jti": uuid.uuid4().hex,
    }
    return {name: value for name, value in {**usual, **changes}.items() if value is not None}


def signed(key: Any, body: dict[str, Any] | bytes, alg: str = "RS384", **header: Any) -> str:
    full = {"alg": alg, "typ": "JWT", "kid": "one", **header}
    full = {name: value for name, value in full.items() if value is not None}
    payload = body if isinstance(body, bytes) else dumps(body)
    registry = jws.JWSRegistry(algorithms=[alg], strict_check_header=False)
    return jws.serialize_compact(full, payload, key, registry=registry)


def form(assertion: str, **fields: str) -> dict[str, str]:
    return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion, **fields}
