"""What a check works on, and what it answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from pipelines.facts.model import Fact
from pipelines.note.sections import Section
from pipelines.ports import Chart, Segment
from terminology.words import Word, words


@dataclass(frozen=True)
class Objection:
    """Why a sentence is not borne out by its evidence.

    A severe one contradicts the evidence or invents a hard fact: the sentence is left out. Any
    other marks the sentence for a clinician; `reason` is what they read.
    """

    reason: str
    severe: bool = False


@dataclass(frozen=True)
class Claim:
    """A proposed sentence with the segments it names (at least one) and their facts."""

    text: str
    section: Section
    named: Sequence[Segment]
    facts: Sequence[Fact]
    chart: Chart

    @cached_property
    def said(self) -> tuple[str, ...]:
        """The evidence segment by segment, and joined: a pause may split a number or a name."""
        texts = tuple(segment.text for segment in self.named)
        return (*texts, " ".join(texts)) if len(texts) > 1 else texts

    @cached_property
    def words(self) -> list[Word]:
        """The words of the sentence."""
        return words(self.text)

    @cached_property
    def said_words(self) -> list[list[Word]]:
        """The words of each text of the evidence."""
        return [words(text) for text in self.said]
