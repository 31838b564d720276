"""What writing needs to know of the message itself, as the message store keeps it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from integrations.hl7v2.mapping.conversion import Conversion


@dataclass(frozen=True)
class MessageSource:
    """A stored message. `id` is its id in the message store, `sha256` the hex hash of its bytes.

    `received` is when it was stored: with it, and never with the clock of the conversion, a
    replay writes what the first conversion wrote. `base` is the server's FHIR base address.
    """

    id: str
    sha256: str
    received: datetime
    base: str = ""

    @property
    def urn(self) -> str:
        """What `meta.source` says of the resources written from it."""
        return f"urn:aimed:hl7v2:message:{self.id}"


def sender_of(conversion: Conversion) -> str:
    """MSH-3 and MSH-4 as one text, such as `LAB|CITY HOSPITAL`."""
    header = conversion.header
    return f"{header.sending_application.text}|{header.sending_facility.text}"


def sender_key(conversion: Conversion) -> str:
    """The same, fit for a field name."""
    return hashlib.sha256(sender_of(conversion).encode()).hexdigest()[:12]
