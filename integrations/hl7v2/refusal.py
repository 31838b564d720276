"""What makes a message unacceptable before anything is made of it.

Tolerant listeners refuse only what cannot be processed at all; strict ones hold a message to the
fields that the standard requires of MSH, its versions, its processing ids and its character set.

Source: HL7 v2.8.2 chapter 2, 2.9.2.2 (reasons to reject), 2.14.9 (MSH); tables 0103, 0104.
"""

from __future__ import annotations

from integrations.hl7v2.acknowledgement import Location, Problem
from integrations.hl7v2.message import Message

VERSIONS = frozenset(
    ("2.0", "2.0D", "2.1", "2.2", "2.3", "2.3.1", "2.4", "2.5", "2.5.1", "2.6", "2.7", "2.7.1",
     "2.8", "2.8.1", "2.8.2", "2.9")
)  # fmt: skip
_PROCESSING = frozenset("DPT")


def refusal(message: Message, *, strict: bool) -> Problem | None:
    """Why this message is rejected, None when it is taken."""
    if not message.header.type:
        return Problem("101", "MSH-9 (message type) is required.", Location("MSH", 1, 9))
    return _strict(message) if strict else None


def _strict(message: Message) -> Problem | None:
    header = message.header
    if not header.control_id:
        return Problem("101", "MSH-10 (control id) is required.", Location("MSH", 1, 10))
    if not header.trigger and header.type != "ACK":
        return Problem("101", "MSH-9.2 (trigger event) is required.", Location("MSH", 1, 9, 1, 2))
    if header.processing_id not in _PROCESSING:
        return Problem("202", "MSH-11 is none of D, P, T.", Location("MSH", 1, 11))
    if header.version not in VERSIONS:
        return Problem("203", "MSH-12 is no version of HL7 v2.", Location("MSH", 1, 12))
    if message.charset.fallback is not None:
        return Problem("207", f"{message.charset.fallback}.", Location("MSH", 1, 18))
    return None
