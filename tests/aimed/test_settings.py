"""Settings: from the environment, frozen, and strict in production."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from aimed.settings import Settings

GOOD = {
    "AIMED_ENVIRONMENT": "production",
    "AIMED_MONGO__URI": "mongodb://aimed:f8Zq2mN4@a:27017,b:27017/aimed?replicaSet=aimed",
    "AIMED_REDIS__URI": "redis://:k3Jw9rT1@redis:6379/0",
}


def load(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]) -> Settings:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return Settings()


def test_the_environment_reaches_every_level(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(monkeypatch, {**GOOD, "AIMED_HTTP__PORT": "9", "AIMED_FHIR__PAGE_SIZE": "5"})
    assert settings.http.port == 9
    assert settings.fhir.page_size == 5
    assert settings.redis_uri == GOOD["AIMED_REDIS__URI"]
    with pytest.raises(ValidationError):
        settings.environment = "development"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("AIMED_MONGO__URI", ""),
        ("AIMED_MONGO__URI", "mongodb://mongo:27017"),
        ("AIMED_MONGO__URI", "mongodb://aimed:changeme@mongo:27017"),
        ("AIMED_REDIS__URI", ""),
        ("AIMED_REDIS__URI", "redis://redis:6379"),
        ("AIMED_REDIS__URI", "redis://:password@redis:6379"),
    ],
)
def test_production_refuses_what_everybody_knows(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    with pytest.raises(ValidationError, match=f"production needs .*{variable}"):
        load(monkeypatch, {**GOOD, variable: value})


def test_certificates_stand_for_a_password(monkeypatch: pytest.MonkeyPatch) -> None:
    uri = "mongodb://mongo:27017/?authMechanism=MONGODB-X509&tls=true"
    assert load(monkeypatch, {**GOOD, "AIMED_MONGO__URI": uri}).mongo_uri == uri


def test_no_address_with_its_password_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(monkeypatch, GOOD)
    assert "k3Jw9rT1" not in repr(settings)
    assert "f8Zq2mN4" not in repr(settings)
    with pytest.raises(ValidationError) as refused:
        load(monkeypatch, {"AIMED_REDIS__URI": "redis://:secret@f8Zq2mN4:1"})
    assert "f8Zq2mN4" not in str(refused.value)


def test_production_calls_others_by_https(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load(monkeypatch, GOOD).outbound.plain_http is False
    with pytest.raises(ValidationError, match="AIMED_OUTBOUND__PLAIN_HTTP"):
        load(monkeypatch, {**GOOD, "AIMED_OUTBOUND__PLAIN_HTTP": "true"})
