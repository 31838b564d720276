"""The applications that are registered: one of each kind that SMART knows."""

from __future__ import annotations

from datetime import UTC, datetime

from joserfc.jwk import ECKey, RSAKey

from fhir_server.auth.smart.clients.client import Client, HashedSecret
from fhir_server.auth.smart.clients.credentials import hashed
from tests.fhir_server.smart.clients.asserting import public
from tests.fhir_server.smart.flow import public_client

SECRET = "s" * 43
ENDPOINT = "http://test/auth/token"
SYSTEM = ("system/Patient.rs", "system/Observation.rs", "system/*.r")


def applications(rsa: RSAKey, ec: ECKey) -> list[Client]:
    """`app` and `other` are public, `secret` and `signing` confidential, `backend` a service."""
    keys = {"keys": [public(rsa, kid="one"), public(ec, kid="curve")]}
    kept = HashedSecret(hashed(SECRET), datetime(2026, 1, 1, tzinfo=UTC))
    elsewhere = ("https://other.example/callback",)
    return [
        public_client(),
        public_client("other", redirect_uris=elsewhere),
        public_client("secret", method="client_secret_basic", secrets=(kept,)),
        public_client("signing", method="private_key_jwt", jwks=keys),
        service("backend", jwks=keys),
    ]


def service(id: str, **more: object) -> Client:
    """A backend service."""
    usual: dict[str, object] = {
        "method": "private_key_jwt",
        "grants": ("client_credentials",),
        "redirect_uris": (),
        "scopes": SYSTEM,
    }
    return public_client(id, **{**usual, **more})
