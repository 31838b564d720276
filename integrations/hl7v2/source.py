"""Where a message comes from, and how messages from there are taken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from integrations.hl7v2.acknowledgement import Mode
from integrations.hl7v2.settings import Hl7v2Settings, ListenerSettings


@dataclass(frozen=True, slots=True)
class Source:
    """`listener` is the name of an MLLP listener, `http` or `file`; `peer` an address or a name."""

    listener: str
    peer: str
    mode: Mode = "auto"
    strict: bool = False
    charset: str = "cp1252"
    ack_after: Literal["stored", "converted"] = "stored"


def source_of(listener: ListenerSettings, settings: Hl7v2Settings, peer: str) -> Source:
    """A connection of this listener as a source."""
    return Source(
        listener.name,
        peer,
        listener.mode,
        listener.strict,
        listener.charset,
        listener.ack_after or settings.ack_after,
    )
