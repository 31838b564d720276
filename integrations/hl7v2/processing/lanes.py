"""Which messages must not overtake each other.

Two messages are kept in order when they share a key: an identifier of the patient (those of a merge
have both patients'), else an order's, else the control id.
"""

from __future__ import annotations

from collections.abc import Iterator

from integrations.hl7v2.message import Field, Message


def lane_keys(message: Message) -> frozenset[str]:
    """The keys of a message, at least one."""
    keys = frozenset(_patients(message)) or frozenset(_orders(message))
    return keys or frozenset((f"message {message.header.control_id}",))


def _patients(message: Message) -> Iterator[str]:
    for segment in message.segments:
        kind = segment.raw[:3]
        if kind == b"PID":
            # PID-2 and PID-4 hold patient ids before version 2.3.1.
            for number in (2, 3, 4):
                yield from _identifiers("patient", segment[number])
        elif kind == b"MRG":
            yield from _identifiers("patient", segment[1])


def _orders(message: Message) -> Iterator[str]:
    for segment in message.segments:
        if segment.raw[:3] in (b"ORC", b"OBR"):
            yield from _identifiers("order", segment[2])
            yield from _identifiers("order", segment[3])
        elif segment.raw[:3] == b"SCH":
            yield from _identifiers("appointment", segment[1])
            yield from _identifiers("appointment", segment[2])


def _identifiers(kind: str, field: Field) -> Iterator[str]:
    for one in field.repetitions:
        # Without the assigning authority: senders leave it out, and one lane too few only waits.
        if (value := one[1].text) and not one[1].null:
            yield f"{kind} {value}"
