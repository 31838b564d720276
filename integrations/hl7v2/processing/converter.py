"""What processing hands a message to: mapping and writing, given by who assembles the parts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

from integrations.hl7v2.message import Message
from integrations.hl7v2.store import MessageRecord


@dataclass(frozen=True, slots=True)
class Work:
    """A stored message and its parsed form."""

    record: MessageRecord
    message: Message


@dataclass(frozen=True, slots=True)
class Converted:
    """`resources` are references (`Patient/1`), `report` is JSON, `warnings` are for operators."""

    resources: tuple[str, ...] = ()
    report: dict[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ignored:
    """Nothing is to be made of this message, by the rules or the configuration."""

    reason: str
    report: dict[str, Any] = field(default_factory=dict)


class Converter(Protocol):
    """Makes FHIR of a message. It may be called again for the same one, and then changes nothing.

    Raises `FhirError`: one that is `retryable` is tried again later, in its place in the order;
    any other makes the message a dead letter, with the error's words as the reason.
    """

    async def __call__(self, work: Work) -> Converted | Ignored:
        """Convert and write, all or nothing."""
        ...
