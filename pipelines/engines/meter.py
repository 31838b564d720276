"""The port for figures: who counts implements it, who works calls it. No patient data passes."""

from __future__ import annotations

from typing import Literal, Protocol

from pipelines.engines.circuit import CircuitState
from pipelines.engines.usage import Usage, Work

Latency = Literal["first_partial", "final_segment", "alert", "note"]


class Meter(Protocol):
    """`engine` is the name that settings use (`aws`); times are in seconds."""

    def used(self, engine: str, usage: Usage) -> None:
        """An engine did something."""

    def failed(self, work: Work, engine: str, kind: str) -> None:
        """An engine failed; `kind` is the class of the error."""

    def circuit(self, work: Work, engine: str, state: CircuitState) -> None:
        """An engine's circuit changed."""

    def latency(self, of: Latency, seconds: float) -> None:
        """How long somebody waited for something to appear."""


class Unmetered:
    """For commands that end before anybody could read a figure."""

    def used(self, engine: str, usage: Usage) -> None:
        """Count nothing."""

    def failed(self, work: Work, engine: str, kind: str) -> None:
        """Count nothing."""

    def circuit(self, work: Work, engine: str, state: CircuitState) -> None:
        """Count nothing."""

    def latency(self, of: Latency, seconds: float) -> None:
        """Count nothing."""
