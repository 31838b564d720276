"""The JSON bodies of /api. Their field errors never quote what was sent."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, model_validator

from pipelines.ports import Role

_STRICT = ConfigDict(extra="forbid", hide_input_in_errors=True)


class Start(BaseModel):
    """POST /api/encounters."""

    model_config = _STRICT

    patient: Annotated[str, Field(pattern=r"^Patient/[A-Za-z0-9.\-]{1,64}$")]
    consent: StrictBool = False
    channels: Literal[1, 2] = 1
    roles: list[Role] = Field(default_factory=list, max_length=2)
    reason: Annotated[str, Field(min_length=1, max_length=500)] | None = None

    @model_validator(mode="after")
    def _one_role_per_channel(self) -> Start:
        if self.roles and len(self.roles) != self.channels:
            raise ValueError("roles has one entry for each channel, or none")
        return self


class Acknowledgement(BaseModel):
    """POST /api/alerts/{id}/acknowledge."""

    model_config = _STRICT

    reason: Annotated[str, Field(max_length=500)] | None = None


class Signed(BaseModel):
    """The answer of POST /api/encounters/{id}/sign."""

    note: str
    provenance: str
