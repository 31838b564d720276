"""What an operator may set about the periodic duties."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class DutySettings(BaseModel):
    """When `aimed relay` does them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    hour: int = Field(
        default=2, ge=0, le=23, description="Hour of the day, in UTC, of the daily duties."
    )
