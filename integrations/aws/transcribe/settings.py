"""What an operator may set about streaming to Amazon Transcribe, and the limits of the service.

https://docs.aws.amazon.com/transcribe/latest/dg/limits-guidelines.html and
https://docs.aws.amazon.com/transcribe/latest/dg/streaming.html give the limits.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Kind = Literal["general", "medical"]
Specialty = Literal["PRIMARYCARE", "CARDIOLOGY", "NEUROLOGY", "ONCOLOGY", "RADIOLOGY", "UROLOGY"]


class StreamLimits(BaseModel):
    """Size, pace and duration of a stream, within what the service takes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    frame_seconds: float = Field(
        default=0.1,
        ge=0.02,
        le=1.0,
        description="Audio in one frame; the service advises 0.05 to 0.2 s and takes at most 1 s.",
    )
    pace: float = Field(
        default=2.0,
        ge=1.0,
        description="How much faster than real time audio that waits is sent, after an outage.",
    )
    backlog_seconds: float = Field(
        default=30.0, gt=0, description="Audio that may wait to be sent before its source waits."
    )
    kept_seconds: float = Field(
        default=120.0,
        ge=0,
        description="Audio kept in memory after sending, to send again when a stream breaks off.",
    )
    reconnections: int = Field(
        default=2,
        ge=0,
        description="New streams in a row, without a new result, before the engine counts as down.",
    )
    reconnect_seconds: float = Field(
        default=0.5,
        ge=0,
        description="Wait before a new stream; doubles with each failure.",
    )
    silence_seconds: float = Field(
        default=1.5,
        gt=0,
        lt=15,
        description="Silence sent once the audio stops, so that what was said last is finished.",
    )
    keep_alive_seconds: float = Field(
        default=5.0,
        gt=0,
        lt=15,
        description="Then a frame of silence each so often: the service closes a stream after 15 s "
        "without audio.",
    )
    idle_seconds: float = Field(
        default=1.0, gt=0, lt=10, description="Wait for audio until silence is sent in its place."
    )
    stream_seconds: float = Field(
        default=13_500.0,
        gt=0,
        le=14_400,
        description="Age at which a new stream takes over in a pause; the service ends one at 4 h.",
    )
    stream_end_seconds: float = Field(
        default=14_280.0,
        gt=0,
        le=14_400,
        description="Age at which a new stream takes over even in the middle of speech.",
    )
    open_seconds: float = Field(
        default=10.0, gt=0, description="Wait for the service to take a new stream."
    )
    send_seconds: float = Field(
        default=10.0, gt=0, description="Wait for the service to take a frame."
    )
    last_result_seconds: float = Field(
        default=30.0, gt=0, description="Wait for the last results after the end of the audio."
    )
    late_seconds: float = Field(
        default=10.0,
        ge=0,
        description="How far the results of a quiet channel may be behind those of another one.",
    )


class TranscribeSettings(BaseModel):
    """Parameters of StartStreamTranscription and StartMedicalStreamTranscription."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind = Field(
        default="medical",
        description="`medical` is Transcribe Medical (en-US only), `general` the other languages.",
    )
    language: str = Field(default="en-US", description="Language code, for example en-GB.")
    specialty: Specialty = Field(default="PRIMARYCARE", description="Specialty, for `medical`.")
    vocabulary: str | None = Field(
        default=None, description="Name of a custom vocabulary of the account."
    )
    vocabulary_filter: str | None = Field(
        default=None, description="Name of a vocabulary filter of the account, for `general`."
    )
    vocabulary_filter_method: Literal["remove", "mask", "tag"] = Field(
        default="mask", description="What the vocabulary filter does with its words."
    )
    stability: Literal["low", "medium", "high"] | None = Field(
        default="medium",
        description="Stabilisation of partial results, for `general`; null turns it off.",
    )
    speaker_labels: bool = Field(
        default=True, description="Tell speakers apart where one channel has all of them."
    )
    limits: StreamLimits = StreamLimits()

    @model_validator(mode="after")
    def _medical_is_american(self) -> TranscribeSettings:
        if self.kind == "medical" and self.language != "en-US":
            raise ValueError("Transcribe Medical takes en-US only: set the kind to general")
        return self
