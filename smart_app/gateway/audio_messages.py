"""The messages of the audio socket. docs/architecture.md, HTTP and sockets"""

from __future__ import annotations

import struct
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from fhir_server.errors import Malformed
from fhir_server.resource import loads
from pipelines.ports import AudioFormat, Role

_TEXT_LIMIT = 4096
_NUMBER = struct.Struct(">I")


class Start(BaseModel):
    """The first message: what the microphone sends."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["start"]
    encoding: Literal["pcm_s16le"]
    sample_rate: Literal[16000]
    channels: Literal[1, 2] = 1
    roles: list[Role] = Field(default_factory=list, max_length=2)

    @model_validator(mode="after")
    def _one_role_per_channel(self) -> Start:
        if self.roles and len(self.roles) != self.channels:
            raise ValueError("one role for each channel, or none")
        return self

    @property
    def audio(self) -> AudioFormat:
        """The format that it declares."""
        return AudioFormat(self.channels, tuple(self.roles))


class Stop(BaseModel):
    """The last message."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["stop"]


_MESSAGE: TypeAdapter[Start | Stop] = TypeAdapter(
    Annotated[Start | Stop, Field(discriminator="type")]
)


def parse_text(text: str) -> Start | Stop:
    """Read a text message. Raises `Malformed`, whose text holds nothing of the message."""
    if len(text) > _TEXT_LIMIT:
        raise Malformed("A text message here is short.")
    try:
        loads(text)  # pydantic would take NaN, and of two equal keys the last
        return _MESSAGE.validate_json(text)
    except (Malformed, ValidationError):
        raise Malformed('Not a message of this socket: {"type":"start",...} or "stop".') from None


def parse_frame(message: bytes) -> tuple[int, bytes]:
    """The frame number and the PCM. Raises `Malformed`."""
    if len(message) <= _NUMBER.size:
        raise Malformed("A frame is a 4-byte number and audio.")
    (number,) = _NUMBER.unpack_from(message)
    return number, message[_NUMBER.size :]
