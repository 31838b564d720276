"""What an operator may set about a system that messages are sent to."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from fhir_server.auth.directives.caller_facts import PURPOSES
from fhir_server.auth.directives.directives import EMERGENCY
from fhir_server.labels import sensitivity_codes
from integrations.hl7v2.outbound.charsets import codec
from terminology.value_sets import descendants

Version = Literal["2.3", "2.3.1", "2.4", "2.5", "2.5.1", "2.6", "2.7", "2.8"]
ANY = "*"
_WIDEST = "PurposeOfUse"
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_RECIPIENT = re.compile(
    r"(Organization|Device|CareTeam|Practitioner|PractitionerRole)/[A-Za-z0-9\-.]{1,64}"
)
_KIND = re.compile(r"ACK|(MDM|ORU|ADT|SIU)(\^[A-Z]\d\d)?")


class DestinationTls(BaseModel):
    """TLS towards a destination."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    on: bool = Field(default=False, description="Whether the connection is TLS, 1.2 or later.")
    authorities: Path | None = Field(
        default=None, description="PEM file of the authorities to trust instead of the usual."
    )
    server_name: str = Field(
        default="", description="Name that its certificate is for, when that is not the host."
    )
    certificate: Path | None = Field(
        default=None, description="PEM file with our own certificate, for mutual TLS."
    )
    key: Path | None = Field(default=None, description="PEM file with the certificate's key.")
    key_password: SecretStr = Field(
        default=SecretStr(""), description="Password of the key, if it has one."
    )

    @model_validator(mode="after")
    def _is_whole(self) -> DestinationTls:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("mutual TLS needs both certificate and key")
        if not self.on and (self.certificate or self.authorities):
            raise ValueError("a destination with certificates has tls.on true")
        return self


class RetrySettings(BaseModel):
    """What happens to a message that was not accepted."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    first_seconds: float = Field(default=1, gt=0, description="Wait before the second attempt.")
    longest_seconds: float = Field(
        default=300, gt=0, description="Each wait is twice the one before, and no longer than this."
    )
    attempts: int = Field(
        default=10,
        ge=1,
        description="Attempts at a message that is answered AE or CE, or not answered rightly. A "
        "destination that cannot be reached is tried for ever.",
    )
    exhausted: Literal["dead-letter", "pause"] = Field(
        default="dead-letter",
        description="After the last attempt: `dead-letter` puts the message aside and goes on with "
        "the next, `pause` stops the queue until somebody decides.",
    )


class WarningSettings(BaseModel):
    """When the log warns of a destination."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    backlog: int = Field(default=1000, ge=1, description="Warn of so many waiting messages.")
    oldest_seconds: float = Field(
        default=900, gt=0, description="Warn when one has been waiting for so long."
    )
    silence_seconds: float = Field(
        default=0, ge=0, description="Warn when nothing was acknowledged for so long; 0 never."
    )


class DestinationSettings(BaseModel):
    """One system that messages are sent to."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(description="Its name here: small letters, digits and hyphens.")
    host: str = Field(description="Where it listens.")
    port: int = Field(ge=1, le=65535, description="Its port.")
    tls: DestinationTls = DestinationTls()
    messages: tuple[str, ...] = Field(
        default=("MDM",),
        description='What it gets: whole kinds, `"ADT"`, or single ones, `"ADT^A08"`. '
        '`"ACK"`: application acknowledgements of enhanced mode for what it sent.',
    )
    version: Version = Field(default="2.5.1", description="HL7 version of the messages, MSH-12.")
    charset: str = Field(
        default="UNICODE UTF-8", description="Character set by its name in MSH-18 (table 0211)."
    )
    processing: Literal["P", "T", "D"] = Field(
        default="P", description="MSH-11: production, training, debugging."
    )
    sending_application: str = Field(default="AIMED", description="MSH-3, as it is to stand there.")
    sending_facility: str = Field(default="", description="MSH-4.")
    receiving_application: str = Field(default="", description="MSH-5.")
    receiving_facility: str = Field(default="", description="MSH-6.")
    acknowledgement: Literal["original", "enhanced"] = Field(
        default="original",
        description="`enhanced` asks for a commit acknowledgement (MSH-15 AL, MSH-16 NE).",
    )
    document: Literal["text", "encoded", "both"] = Field(
        default="text",
        description="A note as one OBX of text a section, as one document in base64, or both.",
    )
    mapping: Path | None = Field(
        default=None, description="JSON file that changes or adds to the mapping tables."
    )
    not_from: tuple[str, ...] = Field(
        default=(),
        description="Changes that came in by HL7 v2 from these systems, `APPLICATION|FACILITY`, "
        "are not sent here. The receiving application and facility are always among them.",
    )
    recipient: str = Field(
        default="",
        description="Who it is to patients' directives, as a FHIR reference: `Organization/lab`, "
        "or a Device, CareTeam, Practitioner or PractitionerRole. Without it a denial to any "
        "organisation, device or application counts as one to it.",
    )
    purpose: str = Field(
        default="TREAT",
        description="What it gets the messages for, a code of v3-ActReason below PurposeOfUse.",
    )
    confidentiality: Literal["U", "L", "M", "N", "R", "V"] = Field(
        default="N",
        description="The highest confidentiality that it may get; what has no label is N.",
    )
    sensitivity: tuple[str, ...] = Field(
        default=(),
        description='Sensitivity labels that it may get, codes of v3-ActCode like `"PSY"`; `"*"` '
        "is all. What has another one is withheld.",
    )
    connection: Literal["kept", "each"] = Field(
        default="kept", description="One connection for all messages, or a new one for each."
    )
    connect_seconds: float = Field(default=10, gt=0, description="Longest wait for a connection.")
    ack_seconds: float = Field(default=30, gt=0, description="Longest wait for an answer.")
    retry: RetrySettings = RetrySettings()
    warn: WarningSettings = WarningSettings()

    @field_validator("name")
    @classmethod
    def _plain_name(cls, name: str) -> str:
        if not _NAME.fullmatch(name):
            raise ValueError("a destination's name has small letters, digits and hyphens")
        return name

    @field_validator("messages")
    @classmethod
    def _known_kinds(cls, messages: tuple[str, ...]) -> tuple[str, ...]:
        for one in messages:
            if not _KIND.fullmatch(one):
                raise ValueError(f"{one!r} is none of MDM, ORU, ADT, SIU, ACK or one like ADT^A08")
        return messages

    @field_validator("charset")
    @classmethod
    def _known_charset(cls, charset: str) -> str:
        if codec(charset) is None:
            raise ValueError("charset is a name of table 0211, `8859/1` for example, and no UTF-16")
        return charset

    @field_validator("recipient")
    @classmethod
    def _is_an_actor(cls, recipient: str) -> str:
        if recipient and not _RECIPIENT.fullmatch(recipient):
            raise ValueError("recipient is a reference like Organization/lab")
        return recipient

    @field_validator("purpose")
    @classmethod
    def _known_purpose(cls, purpose: str) -> str:
        if purpose == EMERGENCY:
            raise ValueError("nobody breaks the glass for a destination: purpose is not BTG")
        if purpose not in (descendants(PURPOSES, _WIDEST) or frozenset()) - {_WIDEST}:
            raise ValueError("purpose is a code of v3-ActReason below PurposeOfUse, such as TREAT")
        return purpose

    @field_validator("sensitivity")
    @classmethod
    def _known_sensitivity(cls, sensitivity: tuple[str, ...]) -> tuple[str, ...]:
        for one in sensitivity:
            if one != ANY and one not in sensitivity_codes():
                raise ValueError(f"{one!r} is no sensitivity code of v3-ActCode")
        return sensitivity

    def wants(self, trigger: str) -> bool:
        """Whether messages like `ADT^A08` go there."""
        return trigger in self.messages or trigger.partition("^")[0] in self.messages


class OutboundMessageSettings(BaseModel):
    """All destinations."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    destinations: tuple[DestinationSettings, ...] = Field(
        default=(), description="Systems that HL7 v2 messages are sent to, as a JSON list."
    )
    retention_days: int = Field(
        default=30,
        ge=1,
        description="Days that an acknowledged or a withheld message is kept. Others stay until "
        "they are sent or withdrawn.",
    )

    @model_validator(mode="after")
    def _names_differ(self) -> OutboundMessageSettings:
        names = [one.name for one in self.destinations]
        if len(set(names)) != len(names):
            raise ValueError("two destinations have the same name")
        return self
