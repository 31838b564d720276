"""Engines under the policy, with a steady clock and no randomness."""

from __future__ import annotations

import time
from collections.abc import Callable

from pipelines.engines.circuit import Circuit
from pipelines.engines.fallback_drafter import FallbackDrafter
from pipelines.engines.fallback_transcriber import FallbackTranscriber
from pipelines.engines.meter import Meter, Unmetered
from pipelines.engines.policy import Engine, EngineOrder
from pipelines.engines.settings import PolicySettings
from pipelines.engines.usage import PriceTable, Work
from pipelines.ports import NoteDrafter, Transcriber

QUICK = PolicySettings(
    retry_seconds=0.01, longest_wait_seconds=0.05, open_seconds=0.2, longest_open_seconds=0.5
)
PRICES = PriceTable({})


def transcribers(
    *engines: Transcriber,
    settings: PolicySettings = QUICK,
    clock: Callable[[], float] = time.monotonic,
    meter: Meter | None = None,
) -> FallbackTranscriber:
    """Transcribers in this order, called e0, e1, ..."""
    made = [Engine(f"e{at}", one, Circuit(settings, clock)) for at, one in enumerate(engines)]
    order = EngineOrder(
        Work.TRANSCRIPTION, made, settings, random=lambda: 0.0, meter=meter or Unmetered()
    )
    return FallbackTranscriber(order, PRICES, clock=clock)


def drafters(
    *engines: NoteDrafter,
    settings: PolicySettings = QUICK,
    clock: Callable[[], float] = time.monotonic,
    meter: Meter | None = None,
) -> FallbackDrafter:
    """Drafters in this order, called e0, e1, ..."""
    made = [Engine(f"e{at}", one, Circuit(settings, clock)) for at, one in enumerate(engines)]
    order = EngineOrder(Work.NOTE, made, settings, random=lambda: 0.0, meter=meter or Unmetered())
    return FallbackDrafter(order, PRICES, clock=clock)
