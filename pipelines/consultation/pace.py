"""How long people wait for what they said to appear: figures, without any of what was said."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Callable

from pipelines.engines.meter import Meter

_KEPT = 4096
"""Pieces of audio whose arrival is remembered: some minutes of a live microphone."""


class Pace:
    """When audio was given to an engine, and how much later its words came."""

    def __init__(self, meter: Meter, clock: Callable[[], float] = time.monotonic) -> None:
        self._meter = meter
        self._clock = clock
        self._positions: list[float] = []
        self._moments: list[float] = []
        self._position = 0.0
        self._rate = 1
        self._begun = False

    def begin(self, position: float, bytes_per_second: int) -> None:
        """A session begins `position` seconds into the consultation."""
        self._position, self._rate = position, bytes_per_second
        self._positions.clear()
        self._moments.clear()

    def fed(self, length: int) -> None:
        """So many bytes are given to the engine now."""
        self._position += length / self._rate
        self._positions.append(self._position)
        self._moments.append(self._clock())
        if len(self._positions) > _KEPT:
            del self._positions[: _KEPT // 2], self._moments[: _KEPT // 2]

    def partial(self, start: float) -> None:
        """Words that began at `start` seconds are shown; the first ones count."""
        if not self._begun:
            self._begun = True
            self._tell("first_partial", start)

    def final(self, end: float, *, alerts: bool) -> None:
        """Words that ended at `end` seconds are in the journal, with alerts or without."""
        self._begun = True
        self._tell("final_segment", end)
        if alerts:
            self._tell("alert", end)

    def _tell(self, of: str, position: float) -> None:
        at = bisect_left(self._positions, position)
        if at == len(self._moments):
            return
        waited = max(0.0, self._clock() - self._moments[at])
        if of == "first_partial":
            self._meter.latency("first_partial", waited)
        elif of == "alert":
            self._meter.latency("alert", waited)
        else:
            self._meter.latency("final_segment", waited)
