"""What an operator may set about consultations."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class ConsultationSettings(BaseModel):
    """Timing and limits of a live consultation."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    note_debounce_seconds: float = Field(
        default=1.5,
        ge=0,
        description="How long the note waits after a final segment, so that a burst drafts once.",
    )
    spool_backlog_bytes: int = Field(
        default=4 * 1024 * 1024,
        description="Audio that may wait to become durable before the microphone is slowed down.",
    )
    retry_seconds: float = Field(
        default=1.0,
        ge=0,
        description="Wait before going on when the database is away; doubles with each failure.",
    )
    idle_seconds: float = Field(
        default=900.0,
        gt=0,
        description="How long a consultation without a microphone keeps its transcription open.",
    )
    critical_results: Path | None = Field(
        default=None,
        description="JSON file with the site's own critical laboratory values, in the form of "
        "terminology/data/critical_results.json; a test of the same id replaces ours.",
    )
