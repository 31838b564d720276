"""The machine's clock, moved ahead for as long as a test needs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from fhir_server.clock import system_clock


class MovedClock:
    """Now, or later inside of `later`."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def __call__(self) -> datetime:
        return system_clock() + self._ahead

    @contextmanager
    def later(self, seconds: float) -> Iterator[None]:
        """As if so many seconds had gone by."""
        self._ahead += timedelta(seconds=seconds)
        try:
            yield
        finally:
            self._ahead -= timedelta(seconds=seconds)
