"""Time, ids and randomness as arguments: the types, and the real sources that `aimed` hands in."""

from __future__ import annotations

import secrets
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Now, in UTC, with a time zone."""

Ids = Callable[[], str]
"""A new FHIR logical id (R4 2.24.0.1: 1 to 64 of A-Z a-z 0-9 - .)."""


def system_clock() -> datetime:
    """The machine's clock in whole milliseconds, the precision MongoDB keeps."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


def random_id() -> str:
    """A random UUID."""
    return str(uuid.UUID(bytes=secrets.token_bytes(16), version=4))


def instant(moment: datetime) -> str:
    """Write a FHIR instant in UTC with milliseconds, `2026-01-31T08:15:00.123Z`."""
    utc = moment.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"


class OrderedIds:
    """Ids that sort in the order they were made: 48 bits of milliseconds, a counter, randomness.

    Within one process the order is strict; between processes it is that of their clocks.
    """

    def __init__(self) -> None:
        self._last = 0

    def __call__(self) -> str:
        """The next id, 32 hexadecimal digits."""
        self._last = max(self._last + 1, time.time_ns() // 1_000_000 << 16)
        return f"{self._last:016x}{secrets.token_hex(8)}"
