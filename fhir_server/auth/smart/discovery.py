"""What the authorization server says of itself.

SMART App Launch 2.2 (conformance), RFC 8414, RFC 9728, OpenID Connect Discovery 1.0.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any


@dataclass(frozen=True)
class Addresses:
    """Absolute URLs of the server, all below its origin."""

    origin: str

    @property
    def fhir(self) -> str:
        """The FHIR base, which `aud` names."""
        return f"{self.origin}/fhir"

    @property
    def token(self) -> str:
        """The token endpoint, which the aud of an assertion names."""
        return f"{self.origin}/auth/token"

    def endpoints(self) -> dict[str, str]:
        """Every address by its name in the metadata."""
        return {
            "authorization_endpoint": f"{self.origin}/auth/authorize",
            "token_endpoint": self.token,
            "introspection_endpoint": f"{self.origin}/auth/introspect",
            "revocation_endpoint": f"{self.origin}/auth/revoke",
            "registration_endpoint": f"{self.origin}/auth/register",
            "management_endpoint": f"{self.origin}/apps",
            "jwks_uri": f"{self.origin}/auth/jwks",
        }


def smart_configuration(addresses: Addresses) -> dict[str, Any]:
    """`[base]/.well-known/smart-configuration`."""
    return {"issuer": addresses.origin, **addresses.endpoints(), **_stated()}


def server_metadata(addresses: Addresses) -> dict[str, Any]:
    """`/.well-known/openid-configuration` and `/.well-known/oauth-authorization-server`."""
    stated = {name: value for name, value in _stated().items() if name != "capabilities"}
    return {"issuer": addresses.origin, **addresses.endpoints(), **stated}


def resource_metadata(addresses: Addresses) -> dict[str, Any]:
    """`/.well-known/oauth-protected-resource/fhir`, RFC 9728."""
    return {
        "resource": addresses.fhir,
        "authorization_servers": [addresses.origin],
        "bearer_methods_supported": ["header"],
        "scopes_supported": _stated()["scopes_supported"],
    }


@cache
def _stated() -> dict[str, Any]:
    text = (
        resources.files("fhir_server.auth.smart").joinpath("data/discovery.json").read_text("utf-8")
    )
    return {name: value for name, value in json.loads(text).items() if name != "about"}
