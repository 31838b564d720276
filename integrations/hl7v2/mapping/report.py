"""What became of every segment and field of a message. Nothing is left out of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Outcome(StrEnum):
    """What became of a segment or a field."""

    MAPPED = "mapped"
    UNMAPPED = "unmapped"
    IGNORED = "ignored"  # the tables say why nothing is made of it
    ERROR = "error"  # there is a row for it, but the value cannot be what the row needs


class FieldOutcome(NamedTuple):
    """What became of one non-empty field.

    `drafts` are the keys of the drafts it went into, `reason` says why nothing or not all of it
    could be used. It never holds a value of the message.
    """

    position: int
    outcome: Outcome
    drafts: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class SegmentOutcome:
    """What became of one segment occurrence, its fields in order; `index` is `Segment.index`."""

    id: str
    index: int
    outcome: Outcome
    fields: tuple[FieldOutcome, ...] = ()
    reason: str = ""

    @property
    def place(self) -> str:
        """Such as `OBX[7]`."""
        return f"{self.id}[{self.index}]"


@dataclass(frozen=True, slots=True)
class ConversionReport:
    """All segments in the order of the message, and what is to be said of all of it."""

    segments: tuple[SegmentOutcome, ...]
    notes: tuple[str, ...] = ()

    @property
    def unmapped_segments(self) -> tuple[SegmentOutcome, ...]:
        """Those of which nothing was made."""
        return tuple(s for s in self.segments if s.outcome is Outcome.UNMAPPED)

    @property
    def errors(self) -> tuple[tuple[SegmentOutcome, FieldOutcome], ...]:
        """The fields whose value could not be used."""
        return tuple(
            (segment, field)
            for segment in self.segments
            for field in segment.fields
            if field.outcome is Outcome.ERROR
        )

    def count(self, outcome: Outcome) -> int:
        """How many fields had `outcome`."""
        return sum(field.outcome is outcome for s in self.segments for field in s.fields)
