"""Which of two messages has the say about an element, whichever came first.

A tag is what an element's value is remembered with. Tags are totally ordered, so the winner of any
number of messages is the same in every order of arrival, and twice the same message is once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from fhir_server.dates import parse_range
from integrations.hl7v2.mapping.draft import Draft
from integrations.hl7v2.writing.source import MessageSource

ASSUME = -1
"""The rank of what R4 demands and nobody has told: anything that is told takes its place."""
FILL = 0
"""The rank of who may fill in what nobody has said. Among these the earliest has the say."""
TELL = 1
"""The rank of who is asked about it. Among these the latest has the say."""


@dataclass(frozen=True, slots=True)
class Tag:
    """`moment` is UTC as sortable text; `order` decides between equal moments.

    `message` is the hash of the bytes: two messages of one moment are in an order too.
    """

    rank: int
    moment: str
    order: int
    message: str

    def beats(self, other: Tag | None) -> bool:
        """Whether this has the say where `other` had it. A message beats itself."""
        if other is None or self == other:
            return True
        if self.rank != other.rank:
            return self.rank > other.rank
        later = (self.moment, self.order, self.message) > (
            other.moment,
            other.order,
            other.message,
        )
        return later if self.rank != FILL else not later

    def stored(self) -> list[int | str]:
        """As a ledger keeps it."""
        return [self.rank, self.moment, self.order, self.message]

    @classmethod
    def of(cls, stored: list[int | str]) -> Tag:
        """From a ledger."""
        rank, moment, order, message = stored
        return cls(int(rank), str(moment), int(order), str(message))


def tag_of(draft: Draft, rank: int, source: MessageSource, sent: str | None, order: int = 0) -> Tag:
    """The tag of a draft: by its own moment, else by MSH-7, else by when it was received."""
    moment = sortable(draft.moment) or sortable(sent) or _text(source.received)
    return Tag(rank, moment, order, source.sha256[:16])


def sortable(moment: str | None) -> str:
    """The first instant of a FHIR date or dateTime in UTC; empty when it is none."""
    found = parse_range(moment) if moment else None
    return _text(found[0]) if found else ""


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
