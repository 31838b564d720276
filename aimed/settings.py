"""The one frozen tree of settings, and the only reader of the environment.

`AIMED_MONGO__URI=mongodb://...` sets `mongo.uri`: prefix `AIMED_`, two underscores between levels.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from aimed.duties.settings import DutySettings
from aimed.public_url import filled_in
from aimed.tls import TlsSettings
from fhir_server.settings import FhirSettings
from integrations.aws.settings import AwsSettings
from integrations.hl7v2.settings import Hl7v2Settings
from integrations.llm.settings import LlmSettings
from integrations.notify.settings import MailSettings
from integrations.outbound.settings import OutboundSettings
from integrations.whisper.settings import WhisperSettings
from pipelines.engines.settings import PolicySettings, PriceSettings
from pipelines.settings import ConsultationSettings


class MongoSettings(BaseModel):
    """Where MongoDB is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    uri: str | None = Field(
        default=None,
        repr=False,
        description="MongoDB replica set; `aimed up` starts its own when not set.",
    )
    database: str = Field(default="aimed", description="Name of the database.")


class RedisSettings(BaseModel):
    """Where Redis is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    uri: str | None = Field(
        default=None,
        repr=False,
        description="Redis 7 or later; `aimed up` starts its own when not set.",
    )


class HttpSettings(BaseModel):
    """Where the API listens."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8000, ge=0, le=65535, description="Port; 0 takes any free one.")
    trusted_proxies: tuple[str, ...] = Field(
        default=(),
        description="Addresses and networks of proxies, as a JSON list, whose X-Forwarded-For and "
        "X-Forwarded-Proto are believed. Of a request from elsewhere the peer itself counts.",
    )
    tls: TlsSettings = TlsSettings()
    origins: tuple[str, ...] = Field(
        default=(),
        description="Origins of web pages beside our own, as a JSON list, whose scripts may open "
        "WebSockets.",
    )


class EngineSettings(BaseModel):
    """Which engines transcribe and write notes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    transcription: tuple[Literal["aws", "whisper"], ...] = Field(
        default=("whisper",),
        min_length=1,
        description="Engines that transcribe, as a JSON list, the preferred one first: `aws` is "
        "Amazon Transcribe, `whisper` runs on this machine.",
    )
    note: tuple[Literal["openai", "rules"], ...] = Field(
        default=("rules",),
        min_length=1,
        description="Engines that write the note, as a JSON list, the preferred one first: "
        "`openai` is the language model of `AIMED_LLM__...`, `rules` runs on this machine.",
    )
    policy: PolicySettings = PolicySettings()
    prices: dict[str, PriceSettings] = Field(
        default={},
        description="Prices by engine or model, as a JSON object, in place of those that come "
        'along, such as `{"amazon-transcribe": {"per_minute": 0.02}}`.',
    )

    @model_validator(mode="after")
    def _each_once(self) -> EngineSettings:
        for names in (self.transcription, self.note):
            if len(set(names)) != len(names):
                raise ValueError("an engine stands in its list once")
        return self


class MetricsSettings(BaseModel):
    """Figures for operators, in the text format of Prometheus."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    token: SecretStr = Field(
        default=SecretStr(""),
        description="Bearer token that `GET /metrics` wants; without one there is no such page.",
    )
    worker_port: int | None = Field(
        default=None,
        ge=1,
        le=65535,
        description="Port on 127.0.0.1 where the worker gives its own figures; none if not set.",
    )

    @model_validator(mode="after")
    def _hard_to_guess(self) -> MetricsSettings:
        token = self.token.get_secret_value()
        if token and len(token) < _TOKEN_LENGTH:
            raise ValueError(f"a token has at least {_TOKEN_LENGTH} characters")
        return self


_TOKEN_LENGTH = 16


class Settings(BaseSettings):
    """All settings of one process."""

    model_config = SettingsConfigDict(
        env_prefix="AIMED_",
        env_nested_delimiter="__",
        frozen=True,
        extra="ignore",
        hide_input_in_errors=True,
    )

    environment: Literal["development", "production"] = Field(
        default="development", description="In production nothing is started or made up by itself."
    )
    public_url: str = Field(
        default="",
        description="Address at which people and applications reach this server, such as "
        "`https://aimed.hospital.example`. Production needs it, or "
        "`AIMED_FHIR__REQUESTS__HOSTS`. Unless they are set themselves, "
        "`AIMED_FHIR__REQUESTS__HOSTS`, `AIMED_FHIR__IDENTITY__PUBLIC_URL` and "
        "`AIMED_MAIL__SITE` follow it.",
    )
    data: Path = Field(default=Path("var"), description="Folder of the embedded services' data.")
    log_format: Literal["console", "json"] = Field(
        default="console", description="How log lines look."
    )
    mongo: MongoSettings = MongoSettings()
    redis: RedisSettings = RedisSettings()
    http: HttpSettings = HttpSettings()
    fhir: FhirSettings = FhirSettings()
    duties: DutySettings = DutySettings()
    outbound: OutboundSettings = OutboundSettings()
    mail: MailSettings = MailSettings()
    consultation: ConsultationSettings = ConsultationSettings()
    whisper: WhisperSettings = WhisperSettings()
    aws: AwsSettings = AwsSettings()
    llm: LlmSettings = LlmSettings()
    engines: EngineSettings = EngineSettings()
    metrics: MetricsSettings = MetricsSettings()
    hl7v2: Hl7v2Settings = Hl7v2Settings()

    @model_validator(mode="after")
    def _recordings_stay_encrypted(self) -> Settings:
        recordings = self.aws.recordings
        if self.fhir.encryption.provider != "off" and recordings.bucket and not recordings.kms_key:
            raise ValueError(
                "an encrypted database gives recordings to S3 under a key of yours only: "
                "AIMED_AWS__RECORDINGS__KMS_KEY"
            )
        return self

    @model_validator(mode="before")
    @classmethod
    def _one_address(cls, given: dict[str, Any]) -> dict[str, Any]:
        return filled_in(given)

    @model_validator(mode="after")
    def _production_has_its_secrets(self) -> Settings:
        if self.environment == "production":
            _require_credentials("AIMED_MONGO__URI", self.mongo.uri)
            _require_credentials("AIMED_REDIS__URI", self.redis.uri)
            _require_own_name(self.public_url, self.fhir.requests.hosts)
            _require_chain_key(self.fhir.audit.chain_key.get_secret_value())
            if self.outbound.plain_http:
                raise ValueError("production calls others by https: AIMED_OUTBOUND__PLAIN_HTTP")
            _refuse_placeholder("AIMED_MAIL__PASSWORD", self.mail.password)
            provider = self.fhir.identity.provider
            _refuse_placeholder(
                "AIMED_FHIR__IDENTITY__PROVIDER__CLIENT_SECRET", provider.client_secret
            )
            _refuse_placeholder("AIMED_LLM__API_KEY", self.llm.api_key)
            _refuse_placeholder("AIMED_HTTP__TLS__KEY_PASSWORD", self.http.tls.key_password)
            for listener in self.hl7v2.listeners:
                _refuse_placeholder("AIMED_HL7V2__LISTENERS", listener.tls.key_password)
            for one in self.hl7v2.outbound.destinations:
                _refuse_placeholder("AIMED_HL7V2__OUTBOUND__DESTINATIONS", one.tls.key_password)
            _require_safe_mail(self.mail, self.fhir.identity.public_url)
        return self

    def at(self, *, mongo: str, redis: str) -> Settings:
        """The same settings with these addresses."""
        return self.model_copy(
            update={
                "mongo": self.mongo.model_copy(update={"uri": mongo}),
                "redis": self.redis.model_copy(update={"uri": redis}),
            }
        )

    @property
    def mongo_uri(self) -> str:
        """The address of MongoDB. Raises `MissingSetting`."""
        return _needed(self.mongo.uri, "AIMED_MONGO__URI")

    @property
    def redis_uri(self) -> str:
        """The address of Redis. Raises `MissingSetting`."""
        return _needed(self.redis.uri, "AIMED_REDIS__URI")


class MissingSetting(Exception):
    """A setting that this command cannot do without; the text says which."""


def _needed(value: str | None, variable: str) -> str:
    if not value:
        raise MissingSetting(f"Set {variable}, or use `aimed up`, which starts its own server.")
    return value


def child_environment(changes: Mapping[str, str]) -> dict[str, str]:
    """The environment of this process with some variables replaced, for a program it starts."""
    return {**os.environ, **changes}


_PLACEHOLDERS = {"", "aimed", "admin", "change-me", "changeme", "example", "password", "secret"}


def _require_credentials(variable: str, uri: str | None) -> None:
    if not uri:
        raise ValueError(f"production needs {variable}: nothing is embedded there")
    # X.509 and cloud identities carry no password.
    if "authmechanism=" not in uri.lower() and _password(uri) in _PLACEHOLDERS:
        raise ValueError(f"production needs a password of its own in {variable}")


def _refuse_placeholder(variable: str, secret: SecretStr) -> None:
    """A secret that may be empty, but not what an example has."""
    value = secret.get_secret_value()
    if value and value.lower() in _PLACEHOLDERS:
        raise ValueError(f"production needs a password of its own in {variable}")


_KEY_LENGTH = 32


def _require_chain_key(key: str) -> None:
    # One character over and over, or a placeholder filled up, is no key.
    if len(key) < _KEY_LENGTH or len(set(key)) < 8 or key.lower().strip("-_. ") in _PLACEHOLDERS:
        raise ValueError(
            "production needs AIMED_FHIR__AUDIT__CHAIN_KEY, a random text of at least "
            f"{_KEY_LENGTH} characters, kept away from the database"
        )


def _require_own_name(public_url: str, hosts: tuple[str, ...]) -> None:
    # Issuer and audience are made of the name that a request gives: it has to be one of ours.
    if not hosts:
        raise ValueError(
            "production needs AIMED_PUBLIC_URL, the address at which it is reached, or its names "
            "in AIMED_FHIR__REQUESTS__HOSTS"
        )
    if public_url and urlsplit(public_url).scheme != "https":
        raise ValueError("production is reached by https: AIMED_PUBLIC_URL")


def _require_safe_mail(mail: MailSettings, public_url: str) -> None:
    if mail.host is None:
        return
    site = mail.site or public_url
    if not site:
        raise ValueError(
            "production needs AIMED_PUBLIC_URL or AIMED_MAIL__SITE, for links in mails"
        )
    if urlsplit(site).scheme != "https":
        raise ValueError("production has its pages at https: AIMED_MAIL__SITE")
    if mail.tls == "none":
        raise ValueError("production sends mail over TLS: AIMED_MAIL__TLS")


def _password(uri: str) -> str:
    # A MongoDB URI may list several hosts; only what stands before the @ matters here.
    return urlsplit(uri).netloc.rpartition("@")[0].partition(":")[2]
