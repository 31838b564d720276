"""What an operator may set about checking structure."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class StructureSettings(BaseModel):
    """The processes that check the structure of messages, for strict listeners and on request."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    workers: int = Field(
        default=1,
        ge=1,
        le=64,
        description="Processes that check at once, in each process that receives or converts; "
        "started when a strict listener or somebody asks first.",
    )
    seconds: float = Field(
        default=10,
        gt=0,
        description="Longest that checking one message may take: then its process is ended and "
        "the message failed.",
    )
    mebibytes: int = Field(
        default=1024, ge=256, description="Most memory of one process that checks."
    )
