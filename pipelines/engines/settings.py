"""What an operator may set about retries, fail-over and prices of engines."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class PolicySettings(BaseModel):
    """When an engine is tried again, when another one takes over, and when the first comes back."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    attempts: int = Field(
        default=2,
        ge=1,
        description="Attempts at one engine, without a result between them, until the next engine "
        "takes over.",
    )
    retry_seconds: float = Field(
        default=0.5,
        ge=0,
        description="Wait before the second attempt; doubles with each failure. A random part of "
        "up to a half is taken off.",
    )
    longest_wait_seconds: float = Field(
        default=10.0,
        gt=0,
        description="Longest wait for one engine, also when it asks for more: then the next engine "
        "takes over.",
    )
    failures: int = Field(
        default=3,
        ge=1,
        description="Failures in a row after which nobody asks the engine any more for a while.",
    )
    open_seconds: float = Field(
        default=30.0,
        gt=0,
        description="How long it is left alone then; doubles while it stays broken.",
    )
    longest_open_seconds: float = Field(
        default=600.0, gt=0, description="Longest time that a broken engine is left alone."
    )
    draft_seconds: float = Field(
        default=120.0, gt=0, description="Longest time that one draft of a note may take."
    )
    probe_seconds: float = Field(
        default=20.0,
        gt=0,
        description="Longest time that an engine may take to answer one second of silence.",
    )


class PriceSettings(BaseModel):
    """What an engine costs, instead of the price in the table that comes along."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    per_minute: float = Field(default=0.0, ge=0, description="Price of a minute of audio.")
    per_million_tokens_in: float = Field(
        default=0.0, ge=0, description="Price of a million tokens that a model reads."
    )
    per_million_tokens_out: float = Field(
        default=0.0, ge=0, description="Price of a million tokens that a model writes."
    )
    currency: str = Field(default="USD", description="Currency code of these prices, ISO 4217.")
