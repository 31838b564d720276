"""How many tokens text takes, by estimate, and how many a draft may still use.

Each model counts in its own way, and no tokenizer is carried along: four characters of plain
English are a token, and a character outside ASCII is taken as one.
"""

from __future__ import annotations

from dataclasses import dataclass

from integrations.llm.faults import ENGINE
from pipelines.engines.errors import EngineLimit
from pipelines.ports import Segment

_FRAME = 24
"""Tokens that id, role, time and quotes of a segment take."""


def tokens(text: str) -> int:
    """About as many tokens as `text` has, rather too many than too few."""
    plain = sum(1 for character in text if character.isascii())
    return plain // 4 + (len(text) - plain) + 1


def tokens_of_segment(segment: Segment) -> int:
    """About as many tokens as a segment takes in a request."""
    return tokens(segment.text) + _FRAME


@dataclass
class Budget:
    """What one draft may use, and has used."""

    allowed: int
    requests: int = 0
    sent: int = 0
    received: int = 0

    def claim(self, sending: int, receiving: int) -> None:
        """Count a request as sent, if it and its answer fit. Raises `EngineLimit`."""
        if self.sent + self.received + sending + receiving > self.allowed:
            raise EngineLimit(
                ENGINE,
                "The note needs more tokens than one draft may use.",
                "Raise AIMED_LLM__DRAFT_TOKENS if visits are as long as that.",
            )
        self.requests += 1
        self.sent += sending

    def settle(self, claimed: int, sent: int, received: int) -> None:
        """Put what was really sent and received in the place of what was claimed."""
        self.sent += sent - claimed
        self.received += received
