"""Clients at once against one server, and what they saw: rates, percentiles, the server's CPU."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles

import httpx2


@dataclass(frozen=True)
class Call:
    """One piece of work: what it did in resources, and whether the server answered as it should."""

    resources: int
    good: bool


Job = Callable[[], Awaitable[Call]]


@dataclass(frozen=True)
class Measured:
    """One line of the report. Times are milliseconds of a request; CPU is the API process's."""

    name: str
    clients: int
    seconds: float
    requests: int
    errors: int
    resources: int
    p50: float
    p95: float
    p99: float
    cpu_ms: float | None

    @property
    def per_second(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds

    @property
    def per_core(self) -> float | None:
        """Requests for each second of the API process's CPU."""
        return 1000 / self.cpu_ms if self.cpu_ms else None


class ApiCpu:
    """The CPU time that a process has used, where the system has /proc."""

    def __init__(self, pid: int | None) -> None:
        self._file = Path(f"/proc/{pid}/stat")

    def seconds(self) -> float | None:
        """User and system time; None where it cannot be read."""
        try:
            fields = self._file.read_text().rpartition(")")[2].split()
        except OSError:
            return None
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def measure(
    name: str,
    jobs: Iterator[Job],
    *,
    clients: int,
    cpu: ApiCpu,
    seconds: float | None = None,
    done: Callable[[], None] = lambda: None,
) -> Measured:
    """Let `clients` take jobs one after another until there are none left or `seconds` are over.

    `done` is called after every job. A job that cannot reach the server counts as an error.
    """
    times: list[float] = []
    calls: list[Call] = []
    begun, before = time.perf_counter(), cpu.seconds()
    end = begun + seconds if seconds is not None else float("inf")

    async def client() -> None:
        for job in jobs:
            started = time.perf_counter()
            try:
                call = await job()
            except httpx2.TransportError:
                call = Call(0, good=False)
            now = time.perf_counter()
            times.append((now - started) * 1000)
            calls.append(call)
            done()
            if now > end:
                return

    await asyncio.gather(*(client() for _ in range(clients)))
    elapsed, after = time.perf_counter() - begun, cpu.seconds()
    used = None if before is None or after is None else (after - before) * 1000
    p50, p95, p99 = percentiles(times)
    return Measured(
        name=name,
        clients=clients,
        seconds=round(elapsed, 3),
        requests=len(calls),
        errors=sum(not call.good for call in calls),
        resources=sum(call.resources for call in calls),
        p50=p50,
        p95=p95,
        p99=p99,
        cpu_ms=None if used is None or not calls else round(used / len(calls), 3),
    )


def percentiles(values: list[float]) -> tuple[float, float, float]:
    """The 50th, 95th and 99th percentile; of one value that value, of none zeros."""
    if not values:
        return 0.0, 0.0, 0.0
    if len(values) == 1:
        return values[0], values[0], values[0]
    cut = quantiles(values, n=100, method="inclusive")
    return round(cut[49], 3), round(cut[94], 3), round(cut[98], 3)
