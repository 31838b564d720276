"""Settings of signing in that cannot be meant."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from fhir_server.auth.identity.relying_party import relying_party
from fhir_server.errors import NotSupported
from fhir_server.identity_settings import IdentitySettings

PROVIDER = {"issuer": "https://login.example", "client_id": "aimed", "client_secret": "s"}
GOOD = {"public_url": "https://aimed.example", "provider": PROVIDER}


def test_a_whole_one() -> None:
    settings = IdentitySettings.model_validate(GOOD)
    assert settings.provider.claim == "sub"
    assert "s'" not in repr(settings.provider.client_secret)


@pytest.mark.parametrize(
    "changed",
    [
        {"public_url": ""},
        {"public_url": "aimed.example"},
        {"public_url": "https://aimed.example/app"},
        {"public_url": "https://user@aimed.example"},
        {"provider": {**PROVIDER, "client_id": ""}},
        {"provider": {**PROVIDER, "client_secret": ""}},
        {"provider": {**PROVIDER, "private_key": "{}"}},
        {"provider": {**PROVIDER, "issuer": "login.example"}},
        {"provider": {**PROVIDER, "claim": "email"}},
        {"provider": {**PROVIDER, "claim": "Preferred_Username"}},
        {"provider": {**PROVIDER, "scopes": ["profile"]}},
        {"provider": {**PROVIDER, "algorithms": ["HS256"]}},
        {"provider": {**PROVIDER, "algorithms": ["none"]}},
        {"provider": {**PROVIDER, "algorithms": []}},
    ],
    ids=str,
)
def test_what_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        IdentitySettings.model_validate(GOOD | changed)


@pytest.mark.parametrize(
    ("public_url", "reached", "id", "origin"),
    [
        ("", "http://localhost:8000/", "localhost", "http://localhost:8000"),
        ("https://a.example", "http://localhost:8000/", "a.example", "https://a.example"),
        ("https://a.example:8443", "http://x/", "a.example", "https://a.example:8443"),
    ],
)
def test_the_relying_party(public_url: str, reached: str, id: str, origin: str) -> None:
    party = relying_party(public_url, reached)
    assert (party.id, party.origins) == (id, (origin,))


@pytest.mark.parametrize(
    ("public_url", "reached"),
    [
        ("", "http://127.0.0.1:8000/"),
        ("", "http://evil.example/"),
        ("https://192.0.2.1", "http://localhost/"),
        ("https://[2001:db8::1]", "http://localhost/"),
    ],
)
def test_where_there_can_be_none(public_url: str, reached: str) -> None:
    with pytest.raises(NotSupported):
        relying_party(public_url, reached)
