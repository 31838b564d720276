"""What an operator may set about local speech recognition."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class WhisperSettings(BaseModel):
    """Model and timing of the local Whisper engine."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str | None = Field(
        default=None,
        description="Folder or name of a CTranslate2 Whisper model; the packaged tiny.en if unset.",
    )
    compute_type: str = Field(default="int8", description="CTranslate2 number format.")
    cpu_threads: int = Field(default=2, ge=1, description="Threads of one recognition.")
    vocabulary: tuple[str, ...] = Field(
        default=(
            "amoxicillin",
            "doxycycline",
            "azithromycin",
            "ibuprofen",
            "atorvastatin",
            "omeprazole",
        ),
        description="Words to expect in any consultation beside those of the chart. Keep it short: "
        "each one slows recognition down and is a word that noise may be taken for.",
    )
    partial_seconds: float = Field(
        default=0.7, gt=0, description="New speech after which a partial result is made."
    )
    endpoint_seconds: float = Field(
        default=0.6, gt=0, description="Silence that ends an utterance."
    )
    utterance_seconds: float = Field(
        default=15.0, gt=2, le=28, description="Longest utterance before it is cut at a pause."
    )
