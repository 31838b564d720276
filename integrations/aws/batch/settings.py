"""What an operator may set about transcription jobs."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class BatchSettings(BaseModel):
    """Where jobs find their audio and leave their results."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bucket: str | None = Field(
        default=None, description="S3 bucket for the audio and results of jobs, emptied after each."
    )
    prefix: str = Field(default="aimed/jobs/", description="Beginning of the names in the bucket.")
    kms_key: str | None = Field(
        default=None, description="KMS key (ARN) that encrypts them; that of the bucket if unset."
    )
    poll_seconds: float = Field(
        default=5.0,
        gt=0,
        description="Wait before a job is first asked for; grows by half.",
    )
    poll_longest_seconds: float = Field(
        default=45.0, gt=0, le=50, description="Longest wait between two questions."
    )
    give_up_seconds: float = Field(
        default=7200.0, gt=0, description="Time after which a job counts as failed."
    )
    max_speakers: int = Field(
        default=4, ge=2, le=30, description="Most speakers to tell apart on one channel."
    )
