"""What an operator may set about S3 as a home for recordings."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class RecordingSettings(BaseModel):
    """Bucket and key of the recordings."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bucket: str | None = Field(
        default=None, description="S3 bucket that keeps recordings; the database does if unset."
    )
    prefix: str = Field(
        default="aimed/recordings/", description="Beginning of the names in the bucket."
    )
    kms_key: str | None = Field(
        default=None, description="KMS key (ARN) that encrypts them; that of the bucket if unset."
    )
