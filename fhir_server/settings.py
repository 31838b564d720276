"""What an operator may set about the FHIR server."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from fhir_server.identity_settings import IdentitySettings


class SmartSettings(BaseModel):
    """The SMART authorization server."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    grant_days: int = Field(
        default=365, description="Days after which a person is asked again what an app may do."
    )
    refresh_days: int = Field(
        default=90, description="Days that a refresh token may lie unused; each use renews it."
    )
    open_registration: bool = Field(
        default=False,
        description="Whether anybody may register an app (RFC 7591). It waits for "
        "`aimed client approve`; without this an invitation is needed.",
    )
    registration_scopes: tuple[str, ...] = Field(
        default=(
            "openid",
            "fhirUser",
            "launch",
            "launch/patient",
            "launch/encounter",
            "online_access",
            "offline_access",
            "patient/*.rs",
            "user/*.rs",
        ),
        description="The most that an app may register for by itself, as a JSON list of scopes.",
    )
    key_days: int = Field(
        default=90,
        ge=1,
        description="Days after which a new key signs id_tokens. It is published an hour before, "
        "and the old one until the last id_token that it signed has expired.",
    )
    tenant: str | None = Field(
        default=None,
        description="An opaque name of the organization, told to apps that are launched from here.",
    )


class AuditSettings(BaseModel):
    """The audit trail."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    site: str = Field(
        default="aimed",
        min_length=1,
        description="Name of this server in audit events, such as its domain name.",
    )
    retention_days: int = Field(
        default=2192,
        ge=1,
        description="Days that audit events are kept: six years by 45 CFR 164.316(b)(2)(i).",
    )
    chain_key: SecretStr = Field(
        default=SecretStr(""),
        description="Key of the chain of hashes over the audit events, of at least 32 characters. "
        "With it, who can write to the database alone cannot forge a chain; production needs it.",
    )


class EncryptionSettings(BaseModel):
    """Encryption of what the database holds, by keys that the database does not have."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    provider: Literal["off", "local", "aws"] = Field(
        default="off",
        description="Who keeps the master key: nobody, these settings, or AWS KMS. Every process "
        "on a database must have the same.",
    )
    key: SecretStr | None = Field(
        default=None,
        description="The master key of `local`: 96 random bytes in base64, as `aimed keys "
        "generate` makes.",
    )
    key_file: Path | None = Field(default=None, description="A file with it instead.")
    previous_key: SecretStr | None = Field(
        default=None,
        description="The local master key before this one, until `aimed keys rotate` has run.",
    )
    previous_key_file: Path | None = Field(default=None, description="A file with it instead.")
    aws_key: str = Field(
        default="", description="ARN of the key of AWS KMS. Credentials are found as boto3 does."
    )
    aws_region: str = Field(default="", description="Region of that key.")
    aws_endpoint: str | None = Field(
        default=None, description="Host and port of AWS KMS, when not the usual one of the region."
    )
    aws_authorities: Path | None = Field(
        default=None, description="PEM file of the authorities that vouch for that endpoint."
    )
    unencrypted: Literal["read", "refuse"] = Field(
        default="read",
        description="What to do with content that is not encrypted: `refuse` once `aimed keys "
        "reencrypt` has been over everything.",
    )

    @model_validator(mode="after")
    def _has_its_key(self) -> EncryptionSettings:
        if (self.key and self.key_file) or (self.previous_key and self.previous_key_file):
            raise ValueError("give a key or a file with it, not both")
        if self.provider == "local" and not (self.key or self.key_file):
            raise ValueError("the provider local needs KEY or KEY_FILE")
        if self.provider == "aws" and not (self.aws_key and self.aws_region):
            raise ValueError("the provider aws needs AWS_KEY and AWS_REGION")
        if self.provider == "off" and (self.key or self.key_file or self.aws_key):
            raise ValueError("there is a key, and the provider is off")
        return self


class RequestSettings(BaseModel):
    """The most that a request may be, beside its body under /fhir."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    hosts: tuple[str, ...] = Field(
        default=(),
        description="Names by which clients reach this server, as a JSON list, each with its port "
        "unless that is the usual one. Requests that name another host get 400, for issuer and "
        "audience are made of it. Unless set, the host of `AIMED_PUBLIC_URL`; without either, in "
        "development, any.",
    )
    url: int = Field(default=16 * 1024, description="Longest path and query in bytes; 414 above.")
    headers: int = Field(default=100, description="Most headers of a request; 431 above.")
    header_bytes: int = Field(
        default=32 * 1024, description="Most bytes of all headers; 431 above."
    )
    body: int = Field(
        default=256 * 1024, description="Largest body in bytes outside `/fhir`; 413 above."
    )
    json_depth: int = Field(
        default=64, ge=1, le=200, description="Deepest nesting of a body; 400 above."
    )
    form_fields: int = Field(
        default=1000, description="Most parameters of a search by POST; 400 above."
    )


class RateLimitSettings(BaseModel):
    """Requests a minute, counted in Redis over all processes; 0 for no limit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    enabled: bool = Field(
        default=True, description="Whether requests are counted; 429 over a limit."
    )
    address: int = Field(
        default=120_000,
        ge=0,
        description="Requests a minute from one network address, behind which there may be a "
        "whole hospital; 0 for no limit, here and below.",
    )
    account: int = Field(default=60_000, ge=0, description="Requests a minute of one account.")
    client: int = Field(default=60_000, ge=0, description="Requests a minute of one application.")
    search: int = Field(
        default=30_000, ge=0, description="Searches and histories a minute of one account."
    )
    export: int = Field(
        default=1200,
        ge=0,
        description="`$everything`, `$document` and the like a minute of one account.",
    )
    sign_in: int = Field(
        default=300,
        ge=0,
        description="Sign-ins a minute from one address, successful ones too. Failed ones slow "
        "down much earlier.",
    )
    token: int = Field(
        default=1200,
        ge=0,
        description="Token requests a minute from one address, and of one application.",
    )
    authorize: int = Field(
        default=1200, ge=0, description="Authorization requests a minute from one address."
    )
    registration: int = Field(
        default=60, ge=0, description="Registrations of apps a minute from one address."
    )
    password_reset: int = Field(
        default=30, ge=0, description="Password resets a minute from one address."
    )
    socket: int = Field(
        default=1200, ge=0, description="WebSockets opened a minute from one address."
    )

    def amounts(self) -> dict[str, int]:
        """The limits by name."""
        return {
            name: amount for name, amount in self if name != "enabled" and isinstance(amount, int)
        }


class FhirSettings(BaseModel):
    """Limits and life times."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    body_limit: int = Field(
        default=32 * 1024 * 1024, description="Largest request body in bytes; 413 above."
    )
    bundle_entries: int = Field(
        default=2000, description="Most entries of a transaction or batch; 413 above."
    )
    large_transactions: int = Field(
        default=4,
        ge=1,
        description="Transactions of over 50 entries that run at once in a process; others wait.",
    )
    page_size: int = Field(default=20, description="Entries per page when `_count` is not given.")
    page_limit: int = Field(
        default=500, description="Most entries per page whatever `_count` says."
    )
    chain_limit: int = Field(
        default=2000,
        description="Most resources that a chain, `_has` or hierarchy goes through; 409 above.",
    )
    include_limit: int = Field(
        default=2000, description="Most resources that one page includes; 409 above."
    )
    search_seconds: float = Field(
        default=30,
        gt=0,
        description="Longest that a search, history or operation may take; 409 after that. A "
        "reindex goes on in the background.",
    )
    conditional_delete: Literal["single", "multiple"] = Field(
        default="single",
        description="Whether a conditional delete that matches several resources deletes them all "
        "or is refused with 412.",
    )
    referential_integrity: Literal["off", "pipeline", "on"] = Field(
        default="pipeline",
        description="Whose references must lead somewhere, and keep that from being deleted: "
        "nobody's, those of what the consultation writes, or everybody's; 409 otherwise.",
    )
    required_profiles: tuple[str, ...] = Field(
        default=(),
        description="Canonical URLs of profiles, as a JSON list. A resource of a type that one of "
        "them is for must meet one of those for its type on every write; 422 otherwise.",
    )
    smart: SmartSettings = Field(default_factory=SmartSettings)
    identity: IdentitySettings = Field(default_factory=IdentitySettings)
    audit: AuditSettings = Field(default_factory=AuditSettings)
    encryption: EncryptionSettings = Field(default_factory=EncryptionSettings)
    requests: RequestSettings = Field(default_factory=RequestSettings)
    rate_limits: RateLimitSettings = Field(default_factory=RateLimitSettings)
    token_seconds: int = Field(
        default=12 * 3600, description="Life of an access token from sign-in, one long shift."
    )
    idle_seconds: int = Field(
        default=15 * 60,
        ge=60,
        description="Seconds without a request after which a person is signed out; a recording "
        "that runs counts as use. 45 CFR 164.312(a)(2)(iii).",
    )
    step_up_seconds: int = Field(
        default=5 * 60,
        ge=0,
        description="Seconds after sign-in in which an administrator may change somebody's roles, "
        "password or second factor without giving the own password again.",
    )
    password_link_hours: int = Field(
        default=48,
        ge=1,
        description="Hours that a link holds by which somebody sets a password once.",
    )
