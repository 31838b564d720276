"""What an operator may set about Amazon Web Services."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from integrations.aws.batch.settings import BatchSettings
from integrations.aws.storage.settings import RecordingSettings
from integrations.aws.transcribe.settings import TranscribeSettings


def _safe(url: str) -> str:
    """Audio and credentials travel over TLS; without it only inside this machine."""
    parts = urlsplit(url)
    if parts.scheme not in {"https", "http"} or not parts.hostname:
        raise ValueError("an endpoint is an address such as https://host or https://host:port")
    if parts.scheme == "http" and not _loopback(parts.hostname):
        raise ValueError("an endpoint outside this machine is spoken to by https")
    return url.rstrip("/")


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


Endpoint = Annotated[str, AfterValidator(_safe)]


class RoleSettings(BaseModel):
    """A role that the credentials found are exchanged for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    arn: str | None = Field(default=None, description="ARN of an IAM role to assume.")
    external_id: str | None = Field(
        default=None, repr=False, description="External id that the role's trust policy asks for."
    )
    session_name: str = Field(default="aimed", description="Session name, as CloudTrail shows it.")


class AwsSettings(BaseModel):
    """Account and region. Keys are found as every AWS tool finds them, and never set here."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    region: str | None = Field(
        default=None, description="AWS region, for example eu-west-2; that of the profile if unset."
    )
    profile: str | None = Field(
        default=None,
        description="Profile of the AWS configuration files; the default if unset.",
    )
    role: RoleSettings = RoleSettings()
    authorities: Path | None = Field(
        default=None,
        description="PEM file of authorities to trust instead of the usual.",
    )
    streaming_endpoint: Endpoint | None = Field(
        default=None,
        description="Address of Transcribe streaming, for a VPC endpoint; by region if unset.",
    )
    endpoint: Endpoint | None = Field(
        default=None,
        description="One address for S3, Transcribe and STS; by region and service if unset.",
    )
    max_attempts: int = Field(
        default=4, ge=1, description="Attempts at one request to S3, Transcribe or STS."
    )
    timeout_seconds: float = Field(
        default=20.0,
        gt=0,
        description="Wait for a connection and for an answer of S3 and others.",
    )
    transcribe: TranscribeSettings = TranscribeSettings()
    batch: BatchSettings = BatchSettings()
    recordings: RecordingSettings = RecordingSettings()
