"""What an operator may set about calls to others."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, field_validator

from integrations.outbound.allow_list import AllowList


class OutboundSettings(BaseModel):
    """Where this server goes when somebody else names the address, and how long it stays."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    internal_hosts: tuple[str, ...] = Field(
        default=(),
        description="Host names, and networks such as `10.1.0.0/16`, inside the hospital that may "
        "be called, as a JSON list. A listed name may lead to private addresses; loopback and "
        "link-local ones must be listed as networks. Without this public addresses only.",
    )
    ports: tuple[int, ...] = Field(
        default=(443, 8443), description="Ports that may be called, as a JSON list."
    )
    plain_http: bool = Field(
        default=False, description="Whether http:// may be called too; refused in production."
    )
    authorities: Path | None = Field(
        default=None, description="PEM file of certificate authorities to trust beside the usual."
    )
    seconds: float = Field(
        default=5, gt=0, description="Longest that one call may take, from look-up to last byte."
    )
    largest: int = Field(
        default=1024 * 1024, description="Largest answer in bytes, after decompression."
    )

    @field_validator("internal_hosts")
    @classmethod
    def _readable(cls, entries: tuple[str, ...]) -> tuple[str, ...]:
        AllowList(entries)
        return entries
