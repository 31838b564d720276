"""How long to wait before the next attempt: exponential, with a random part taken off.

The random part keeps consultations that failed together from coming back together:
https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/
"""

from __future__ import annotations

from collections.abc import Callable

Random = Callable[[], float]
"""A number from 0 up to, but not including, 1."""


def back_off(first: float, longest: float, failures: int, random: Random) -> float:
    """Seconds to wait after `failures` (from 1) in a row: at least half of the doubled wait."""
    # Beyond 2**32 the wait is the longest anyhow, and a float overflows at 2**1024.
    whole = min(first * 2.0 ** min(failures - 1, 32), longest)
    return whole * (1 - random() / 2)
