"""The one frozen tree of settings, and the only reader of the environment.

`AIMED_MONGO__URI=mongodb://...` sets `mongo.uri`: prefix `AIMED_`, two underscores between levels.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from fhir_server.settings import FhirSettings
from integrations.outbound.settings import OutboundSettings
from integrations.whisper.settings import WhisperSettings
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
    origins: tuple[str, ...] = Field(
        default=(),
        description="Origins of web pages beside our own, as a JSON list, whose scripts may open "
        "WebSockets.",
    )


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
    data: Path = Field(default=Path("var"), description="Folder of the embedded services' data.")
    log_format: Literal["console", "json"] = Field(
        default="console", description="How log lines look."
    )
    mongo: MongoSettings = MongoSettings()
    redis: RedisSettings = RedisSettings()
    http: HttpSettings = HttpSettings()
    fhir: FhirSettings = FhirSettings()
    outbound: OutboundSettings = OutboundSettings()
    consultation: ConsultationSettings = ConsultationSettings()
    whisper: WhisperSettings = WhisperSettings()

    @model_validator(mode="after")
    def _production_has_its_secrets(self) -> Settings:
        if self.environment == "production":
            _require_credentials("AIMED_MONGO__URI", self.mongo.uri)
            _require_credentials("AIMED_REDIS__URI", self.redis.uri)
            if self.outbound.plain_http:
                raise ValueError("production calls others by https: AIMED_OUTBOUND__PLAIN_HTTP")
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


def _password(uri: str) -> str:
    # A MongoDB URI may list several hosts; only what stands before the @ matters here.
    return urlsplit(uri).netloc.rpartition("@")[0].partition(":")[2]
