"""Settings: from the environment, frozen, and strict in production."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from aimed.fhir import mailing_of
from aimed.settings import Settings

GOOD = {
    "AIMED_ENVIRONMENT": "production",
    "AIMED_MONGO__URI": "mongodb://aimed:f8Zq2mN4@a:27017,b:27017/aimed?replicaSet=aimed",
    "AIMED_REDIS__URI": "redis://:k3Jw9rT1@redis:6379/0",
    "AIMED_PUBLIC_URL": "https://aimed.example",
    "AIMED_FHIR__AUDIT__CHAIN_KEY": "Q0bnf7a1xK4vE8sYw2Zr6TmJ3hLpD9uC",
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
        ("AIMED_MAIL__PASSWORD", "changeme"),
        ("AIMED_FHIR__IDENTITY__PROVIDER__CLIENT_SECRET", "changeme"),
        ("AIMED_HTTP__TLS__KEY_PASSWORD", "secret"),
        ("AIMED_LLM__API_KEY", "changeme"),
        (
            "AIMED_HL7V2__LISTENERS",
            '[{"tls": {"certificate": "a", "key": "b", "key_password": "secret"}}]',
        ),
        (
            "AIMED_HL7V2__OUTBOUND__DESTINATIONS",
            '[{"name": "a", "host": "b", "port": 1, "tls": {"on": true, "certificate": "a",'
            ' "key": "b", "key_password": "secret"}}]',
        ),
        ("AIMED_FHIR__AUDIT__CHAIN_KEY", ""),
        ("AIMED_FHIR__AUDIT__CHAIN_KEY", "too-short-to-be-a-key"),
        ("AIMED_FHIR__AUDIT__CHAIN_KEY", "k" * 64),
        ("AIMED_PUBLIC_URL", ""),
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


MAIL = {"AIMED_MAIL__HOST": "smtp.clinic.example", "AIMED_MAIL__SITE": "https://aimed.example"}


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("AIMED_MAIL__SITE", "http://aimed.example"),
        ("AIMED_MAIL__TLS", "none"),
        ("AIMED_MAIL__SENDER", "AI Med <aimed@clinic.example>"),
        ("AIMED_MAIL__SENDER", "aimed@clinic.example\nBcc: all@clinic.example"),
    ],
)
def test_production_sends_mail_in_safety_or_not(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    assert load(monkeypatch, {**GOOD, **MAIL}).mail.port == 587
    with pytest.raises(ValidationError):
        load(monkeypatch, {**GOOD, **MAIL, variable: value})


def test_production_says_where_links_in_mails_lead(monkeypatch: pytest.MonkeyPatch) -> None:
    mail = {"AIMED_MAIL__HOST": "smtp.clinic.example"}
    assert load(monkeypatch, {**GOOD, **mail}).mail.site == "https://aimed.example"
    hosts = {"AIMED_PUBLIC_URL": "", "AIMED_FHIR__REQUESTS__HOSTS": '["aimed.example"]'}
    with pytest.raises(ValidationError, match="AIMED_MAIL__SITE"):
        load(monkeypatch, {**GOOD, **mail, **hosts})


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://aimed.example", "aimed.example"),
        ("https://Aimed.Example/", "aimed.example"),
        ("https://aimed.example:443", "aimed.example"),
        ("https://aimed.example:8443", "aimed.example:8443"),
        ("https://[::1]:8443", "[::1]:8443"),
        ("https://[::1]", "[::1]"),
    ],
)
def test_one_address_serves_all(monkeypatch: pytest.MonkeyPatch, url: str, host: str) -> None:
    settings = load(monkeypatch, {**GOOD, "AIMED_PUBLIC_URL": url})
    assert settings.fhir.requests.hosts == (host,)
    assert settings.fhir.identity.public_url == settings.mail.site == f"https://{host}"


def test_what_is_set_itself_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    own = {
        "AIMED_FHIR__REQUESTS__HOSTS": '["api:8000"]',
        "AIMED_FHIR__IDENTITY__PUBLIC_URL": "https://people.example",
        "AIMED_MAIL__SITE": "https://mail.example",
    }
    settings = load(monkeypatch, {**GOOD, **own})
    assert settings.fhir.requests.hosts == ("api:8000",)
    assert settings.fhir.identity.public_url == "https://people.example"
    assert settings.mail.site == "https://mail.example"


@pytest.mark.parametrize(
    "url",
    ["aimed.example", "http://aimed.example", "https://aimed.example/app", "https://a@b.example"],
)
def test_a_wrong_address_is_refused(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    with pytest.raises(ValidationError, match="AIMED_PUBLIC_URL"):
        load(monkeypatch, {**GOOD, "AIMED_PUBLIC_URL": url})


def test_without_a_mail_server_production_sends_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert mailing_of(Settings()) is not None
    assert mailing_of(load(monkeypatch, GOOD)) is None
    assert mailing_of(load(monkeypatch, {**GOOD, **MAIL})) is not None


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("AIMED_HTTP__TLS__CERTIFICATE", "/c.pem"),
        ("AIMED_HTTP__TLS__KEY", "/k.pem"),
        ("AIMED_HTTP__TLS__CLIENT_CA", "/ca.pem"),
    ],
)
def test_half_of_tls_is_refused(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    with pytest.raises(ValidationError, match="AIMED_HTTP__TLS__CERTIFICATE"):
        load(monkeypatch, {variable: value})
