"""`aimed bench consultation`: whole consultations at once, and how long people wait for each thing.

Every consultation is played in real time from a microphone's socket and watched as the dashboard
watches it; see `aimed.demo`. Times are those of the watcher.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console

from aimed.bench.measuring import percentiles
from aimed.demo.api import Api, DemoError
from aimed.demo.microphone import MicrophoneRefused
from aimed.demo.run import Result, Visit, play
from aimed.demo.screen import Screen

LIMITS = {"first partial": 1.0, "final note": 30.0}
"""Seconds that the 95th percentile stays below."""
_SPREAD = 8.0
"""Seconds over which the consultations begin, so that they do not speak in step."""


@dataclass(frozen=True)
class Waited:
    """How long people waited for one thing, in seconds; `number` times."""

    name: str
    number: int
    p50: float
    p95: float
    p99: float

    @property
    def kept(self) -> bool:
        """Whether the promise is kept, if there is one."""
        return self.p95 < LIMITS.get(self.name, float("inf"))


@dataclass(frozen=True)
class Round:
    """So many consultations at once. `failed` are those of which something did not hold."""

    consultations: int
    failed: int
    waited: tuple[Waited, ...]


@dataclass(frozen=True)
class Login:
    """Where, and as whom."""

    url: str
    username: str
    password: str


async def run(
    login: Login, visit: Visit, numbers: Sequence[int], begin: Callable[[int], None]
) -> tuple[Round, ...]:
    """One round for each number of consultations at once; `begin` is called before each."""
    rounds = []
    for number in numbers:
        begin(number)
        rounds.append(await _round(login, visit, number))
    return tuple(rounds)


async def _round(login: Login, visit: Visit, number: int) -> Round:
    async def one(place: int) -> Result | None:
        await asyncio.sleep(_SPREAD * place / number)
        try:
            async with Api(login.url) as api:
                await api.sign_in(login.username, login.password)
                return await play(api, visit, speed=1.0, screen=Screen(Console(quiet=True)))
        except (DemoError, MicrophoneRefused, TimeoutError, OSError):
            return None

    played = await asyncio.gather(*(one(place) for place in range(number)))
    results = [result for result in played if result is not None]
    good = sum(all(check.holds for check in result.checks) for result in results)
    return Round(number, number - good, _waited(results))


_TIMES: Mapping[str, Callable[[Result], Sequence[float | None]]] = {
    "first partial": lambda result: [result.latencies.first_partial],
    "final segment": lambda result: result.latencies.finals,
    "alert": lambda result: result.latencies.alerts,
    "final note": lambda result: [result.closing_seconds],
}


def _waited(results: Sequence[Result]) -> tuple[Waited, ...]:
    found = []
    for name, times_of in _TIMES.items():
        times = [time for result in results for time in times_of(result) if time is not None]
        found.append(Waited(name, len(times), *percentiles(times)))
    return tuple(found)


def as_json(rounds: Sequence[Round]) -> list[dict[str, Any]]:
    """For the report, with the promises beside what was measured."""
    return [
        {
            "consultations": each.consultations,
            "failed": each.failed,
            "seconds": {
                one.name: {
                    "number": one.number,
                    "p50": one.p50,
                    "p95": one.p95,
                    "p99": one.p99,
                    "limit": LIMITS.get(one.name),
                    "kept": one.kept,
                }
                for one in each.waited
            },
        }
        for each in rounds
    ]
