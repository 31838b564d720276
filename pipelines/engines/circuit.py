"""A circuit breaker: an engine that keeps failing is left alone for a while.

Closed: it is asked. Open: it is not. Half open: one trial is let through; its outcome closes the
circuit, or opens it again for twice as long.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from pipelines.engines.errors import EngineError, EngineLimit, EngineThrottled
from pipelines.engines.settings import PolicySettings

Monotonic = Callable[[], float]
"""Seconds of a clock that never goes back."""


class CircuitState(StrEnum):
    """The three states."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


class Circuit:
    """The state of one engine in this process. `changed` hears of each change."""

    def __init__(
        self,
        settings: PolicySettings,
        clock: Monotonic,
        changed: Callable[[CircuitState], None] = lambda state: None,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._changed = changed
        self._failures = 0
        self._openings = 0
        self._until: float | None = None
        self._trial_until = float("-inf")
        self.successes = 0
        """How often it has worked so far."""
        self.last: EngineError | None = None
        """The failure that is not made up for yet."""

    @property
    def state(self) -> CircuitState:
        """The state now."""
        if self._until is None:
            return CircuitState.CLOSED
        return CircuitState.OPEN if self._clock() < self._until else CircuitState.HALF_OPEN

    @property
    def seconds_open(self) -> float:
        """How long the engine is still left alone."""
        return 0.0 if self._until is None else max(0.0, self._until - self._clock())

    @property
    def admits(self) -> bool:
        """Whether it may be asked now."""
        state = self.state
        if state is CircuitState.HALF_OPEN:
            return self._clock() >= self._trial_until
        return state is CircuitState.CLOSED

    def asked(self) -> None:
        """Say that it is asked now: half open, nobody else asks until the answer is there.

        A trial whose outcome nobody reports is forgotten after the time a circuit stays open.
        """
        if self.state is CircuitState.HALF_OPEN:
            self._trial_until = self._clock() + self._settings.open_seconds
            self._changed(CircuitState.HALF_OPEN)

    def succeeded(self) -> None:
        """It works."""
        self.successes += 1
        self._failures = self._openings = 0
        self._trial_until = float("-inf")
        self.last = None
        if self._until is not None:
            self._until = None
            self._changed(CircuitState.CLOSED)

    def failed(self, error: EngineError) -> None:
        """It did not work. A limit says something of the request and nothing of the engine."""
        if isinstance(error, EngineLimit):
            # It has answered, so whoever comes next may be the trial.
            self._trial_until = float("-inf")
            return
        self.last = error
        self._failures += 1
        trial = self.state is CircuitState.HALF_OPEN
        asked_to_wait = (error.retry_after or 0.0) if isinstance(error, EngineThrottled) else 0.0
        if (
            trial
            or not error.retryable
            or self._failures >= self._settings.failures
            or asked_to_wait > self._settings.longest_wait_seconds
        ):
            self._open(asked_to_wait)

    def leave_alone(self) -> None:
        """Ask it no more for a while: another engine does the work, and a trial tells when."""
        if self.state is CircuitState.CLOSED:
            self._open(0.0)

    def _open(self, at_least: float) -> None:
        wait = self._settings.open_seconds * 2.0 ** min(self._openings, 32)
        wait = max(min(wait, self._settings.longest_open_seconds), at_least)
        self._openings += 1
        self._until = self._clock() + wait
        self._trial_until = float("-inf")
        self._changed(CircuitState.OPEN)
