"""A segment being made, in the form that the writer of messages takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Component = str | tuple[str, ...]
"""Text, or the texts of its subcomponents."""

Value = tuple[Component, ...]
"""The components of one repetition."""


@dataclass
class SegmentDraft:
    """A segment's id and the repetitions of its fields by number, from 1."""

    id: str
    fields: dict[int, list[Value]] = field(default_factory=dict)


def numbered(values: Mapping[int, Component]) -> Value:
    """Components by number, from 1, without gaps."""
    return tuple(values.get(number, "") for number in range(1, max(values, default=0) + 1))
