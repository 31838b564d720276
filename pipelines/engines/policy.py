"""Which engine does a piece of work, and when it is tried again. docs/decisions/0031

One place for speech and notes: `EngineOrder` knows the engines and their circuits, `Run` what has
happened in one piece of work.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from pipelines.engines.back_off import Random, back_off
from pipelines.engines.circuit import Circuit, CircuitState
from pipelines.engines.errors import (
    EngineError,
    EngineLimit,
    EngineThrottled,
    EngineUnavailable,
)
from pipelines.engines.meter import Meter
from pipelines.engines.settings import PolicySettings
from pipelines.engines.usage import Work

Port = TypeVar("Port")


class NoEngine(Exception):
    """No engine for this work can be asked now. `wait` is when one may be again, in seconds."""

    def __init__(self, work: Work, wait: float) -> None:
        super().__init__(f"No engine for {work} works now.")
        self.work = work
        self.wait = wait


@dataclass(frozen=True)
class Engine(Generic[Port]):
    """An engine under the name that settings use for it."""

    key: str
    port: Port
    circuit: Circuit


class EngineOrder(Generic[Port]):
    """The engines for one kind of work, the preferred one first; at least one."""

    def __init__(
        self,
        work: Work,
        engines: Sequence[Engine[Port]],
        settings: PolicySettings,
        *,
        random: Random,
        meter: Meter,
    ) -> None:
        self.work = work
        self.engines = tuple(engines)
        self.settings = settings
        self.random = random
        self.meter = meter

    def run(self) -> Run[Port]:
        """Begin a piece of work."""
        return Run(self)

    def works(self, engine: Engine[Port]) -> bool:
        """Whether nothing speaks against an engine."""
        return engine.circuit.state is CircuitState.CLOSED

    @property
    def seconds_open(self) -> float:
        """How long until one of the engines may be asked."""
        return min(one.circuit.seconds_open for one in self.engines)


class Run(Generic[Port]):
    """One piece of work from its beginning to its end: a consultation's speech, or one draft."""

    def __init__(self, order: EngineOrder[Port]) -> None:
        self._order = order
        self._failures: Counter[str] = Counter()
        self._successes: dict[str, int] = {}
        self._beyond: set[str] = set()
        self._rounds = 0

    def next(self, *, trials: bool = True) -> Engine[Port] | None:
        """The engine to ask, None when none is left in this round.

        With `trials` false an engine that has been broken is asked only if no other works.
        """
        left = [one for one in self._order.engines if self._may(one)]
        works = [one for one in left if self._order.works(one)]
        chosen = next(iter(works if works and not trials else left), None)
        if chosen is not None:
            chosen.circuit.asked()
        return chosen

    def succeeded(self, engine: Engine[Port]) -> None:
        """The engine gave a result."""
        engine.circuit.succeeded()
        self._failures.pop(engine.key, None)
        self._rounds = 0

    def failed(self, engine: Engine[Port], error: EngineError) -> float:
        """The engine failed. Seconds to wait until `next` is to be asked again."""
        settings = self._order.settings
        self._order.meter.failed(self._order.work, engine.key, type(error).__name__)
        engine.circuit.failed(error)
        asked = error.retry_after if isinstance(error, EngineThrottled) else None
        self._forgive(engine)
        self._failures[engine.key] += 1
        if isinstance(error, EngineLimit):
            self._beyond.add(engine.key)
        if not error.retryable or (asked or 0.0) > settings.longest_wait_seconds:
            self._failures[engine.key] = settings.attempts
        if not self._may(engine):
            if self._breaks(error):
                engine.circuit.leave_alone()
            return 0.0
        wait = back_off(
            settings.retry_seconds,
            settings.longest_wait_seconds,
            self._failures[engine.key],
            self._order.random,
        )
        return max(wait, asked or 0.0)

    def new_round(self) -> float:
        """Begin with the first engine again. Seconds to wait before it makes sense."""
        settings = self._order.settings
        self._rounds += 1
        self._failures.clear()
        wait = back_off(
            max(settings.retry_seconds, 0.01),
            settings.longest_wait_seconds,
            self._rounds,
            self._order.random,
        )
        return max(wait, min(self._order.seconds_open, settings.longest_wait_seconds))

    def better(self, than: Engine[Port]) -> bool:
        """Whether an engine that comes earlier in the order works, as far as is known."""
        earlier = self._order.engines[: self._order.engines.index(than)]
        return any(self._order.works(one) and self._may(one) for one in earlier)

    def _breaks(self, error: EngineError) -> bool:
        """Whether others need not ask the engine either, because another one is there.

        What is beyond a limit is so for this piece of work alone.
        """
        others = any(self._may(other) for other in self._order.engines)
        return others and not isinstance(error, EngineLimit)

    def _forgive(self, engine: Engine[Port]) -> None:
        """What an engine did before it last worked counts no more."""
        if self._successes.get(engine.key) != engine.circuit.successes:
            self._successes[engine.key] = engine.circuit.successes
            self._failures.pop(engine.key, None)

    def _may(self, engine: Engine[Port]) -> bool:
        self._forgive(engine)
        return (
            engine.key not in self._beyond
            and self._failures[engine.key] < self._order.settings.attempts
            and engine.circuit.admits
        )


def as_engine_error(key: str, error: BaseException) -> EngineError:
    """The error itself, or what is to be made of one that an engine does not explain."""
    if isinstance(error, BaseExceptionGroup):
        # Of tasks that ran together one failed first, and the engine's own words say most.
        explained, _ = error.split(EngineError)
        return as_engine_error(key, (explained or error).exceptions[0])
    if isinstance(error, EngineError):
        return error
    return EngineUnavailable(
        key, f"It broke off ({type(error).__name__}).", "See `aimed check engines`."
    )
