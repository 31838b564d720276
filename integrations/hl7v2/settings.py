"""What an operator may set about HL7 v2."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from integrations.hl7v2.outbound.settings import OutboundMessageSettings
from integrations.hl7v2.structure.settings import StructureSettings

MEBIBYTE = 1024 * 1024
LARGEST = 14 * MEBIBYTE
"""A MongoDB document has 16 MiB, and encryption adds some bytes to the message."""


class ListenerTls(BaseModel):
    """TLS of one MLLP listener; mutual with `client_ca`."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    certificate: Path | None = None
    key: Path | None = None
    key_password: SecretStr = SecretStr("")
    client_ca: Path | None = None
    minimum: Literal["1.2", "1.3"] = "1.2"

    @model_validator(mode="after")
    def _is_whole(self) -> ListenerTls:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("TLS needs both a certificate and a key")
        if self.client_ca is not None and self.certificate is None:
            raise ValueError("client_ca needs a certificate")
        return self


class ListenerSettings(BaseModel):
    """One MLLP listener: an address, and how the messages that come there are taken."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(default="default", pattern=r"^[A-Za-z0-9_-]{1,40}$")
    host: str = "127.0.0.1"
    port: int = Field(default=0, ge=0, le=65535)
    mode: Literal["auto", "original", "enhanced"] = "auto"
    strict: bool = False
    assigning_authority: str = ""
    charset: str = "cp1252"
    ack_after: Literal["stored", "converted"] | None = None
    peers: tuple[str, ...] = ()
    silence_seconds: float = Field(default=0, ge=0)
    tls: ListenerTls = ListenerTls()

    @field_validator("peers")
    @classmethod
    def _are_networks(cls, peers: tuple[str, ...]) -> tuple[str, ...]:
        for one in peers:
            ip_network(one, strict=False)
        return peers

    @field_validator("charset")
    @classmethod
    def _is_a_codec(cls, charset: str) -> str:
        try:
            b"x".decode(charset)
        except LookupError:
            raise ValueError("the fallback charset is a Python codec, like cp1252") from None
        return charset


class ConnectionLimits(BaseModel):
    """What one MLLP connection, and all of them, may use."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    message_bytes: int = Field(
        default=10 * MEBIBYTE, ge=1024, le=LARGEST, description="Largest message."
    )
    connections: int = Field(default=256, ge=1, description="Most connections of a listener.")
    per_peer: int = Field(default=32, ge=1, description="Most connections of one address.")
    idle_seconds: float = Field(
        default=86_400, gt=0, description="A connection without a message is closed after this."
    )
    message_seconds: float = Field(
        default=60, gt=0, description="A message that has begun must be whole within this."
    )
    drain_seconds: float = Field(
        default=3, gt=0, description="At the end, how long messages under way are waited for."
    )


class RetentionSettings(BaseModel):
    """How long messages are kept."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    raw_days: int = Field(
        default=90,
        ge=1,
        description="Bytes of converted and ignored messages are removed after this; they can no "
        "longer be replayed.",
    )
    record_days: int = Field(
        default=365,
        ge=1,
        description="What is known of them besides is removed after this. Until then a resend is "
        "recognised.",
    )
    failed_days: int = Field(
        default=365, ge=1, description="Failed messages are removed whole after this."
    )
    raw_mebibytes: int = Field(
        default=0,
        ge=0,
        description="When all stored bytes are more than this, those of the oldest converted "
        "messages are removed before their time; 0 is no limit.",
    )


class ReceivingWarnings(BaseModel):
    """When the log and the page warn of what was received; of silence each listener has its own."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    backlog: int = Field(
        default=1000, ge=1, description="Warn of so many messages that wait for conversion."
    )
    oldest_seconds: float = Field(
        default=300, gt=0, description="Warn when one has been waiting for so long."
    )
    failed: int = Field(
        default=10, ge=1, description="Warn of so many failed messages within an hour."
    )


class Hl7v2Settings(BaseModel):
    """HL7 v2, in and out."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    listeners: tuple[ListenerSettings, ...] = Field(
        default=(ListenerSettings(),),
        description="MLLP listeners as a JSON list of objects: name, host, port (0 takes a free "
        "one), mode (auto, original, enhanced), strict (check structure before answering), "
        "assigning_authority, charset, ack_after, peers (addresses and networks that may connect; "
        "empty is all), silence_seconds (warn when nothing came for so long; 0 never), tls "
        "(certificate, key, key_password, client_ca, minimum).",
    )
    ack_after: Literal["stored", "converted"] = Field(
        default="stored",
        description="When AA is given in original mode: once the message is durable and queued, or "
        "once it is converted.",
    )
    convert_seconds: float = Field(
        default=20,
        gt=0,
        description="With ack_after converted, how long a sender waits for the conversion before "
        "it gets AE and has to ask again.",
    )
    lanes: int = Field(
        default=2,
        ge=1,
        le=256,
        description="Messages that are converted at once, each of another patient; at least as "
        "many as there are workers.",
    )
    workers: int = Field(
        default=0,
        ge=0,
        le=64,
        description="Processes beside `aimed mllp` that convert, for machines with cores to spare; "
        "0 converts in the process itself.",
    )
    attempts: int = Field(
        default=8,
        ge=1,
        description="How often a conversion is tried that an outage stops, with growing pauses.",
    )
    mapping: Path | None = Field(
        default=None,
        description="JSON file with the site's part of the mapping: time zone, authorities, code "
        "systems, changed rows and Z-segments.",
    )
    base: str = Field(
        default="",
        description="The server's FHIR address, by which absolute references to it are known.",
    )
    warn: ReceivingWarnings = ReceivingWarnings()
    structure: StructureSettings = StructureSettings()
    limits: ConnectionLimits = ConnectionLimits()
    retention: RetentionSettings = RetentionSettings()
    outbound: OutboundMessageSettings = OutboundMessageSettings()

    @model_validator(mode="after")
    def _names_are_unique(self) -> Hl7v2Settings:
        names = [one.name for one in self.listeners]
        if len(set(names)) != len(names):
            raise ValueError("every listener needs a name of its own")
        return self
