"""What validation and indexing of one resource cost in our own Python code."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from statistics import fmean
from typing import Any

from aimed.bench.measuring import percentiles
from fhir_server.resource import Resource, dumps, loads
from fhir_server.search.extraction import Indexer
from fhir_server.validation.validator import validate


@dataclass(frozen=True)
class Cost:
    """Milliseconds of one resource."""

    name: str
    resources: int
    mean: float
    p50: float
    p95: float


def costs(resources: Iterable[dict[str, Any]], now: datetime) -> tuple[Cost, ...]:
    """The cost of each step over all resources, after one round that fills the caches."""
    parsed: list[Resource] = [
        loads(dumps({**resource, "id": resource.get("id", "a")})) for resource in resources
    ]
    indexer = Indexer()
    steps: dict[str, Callable[[Resource], object]] = {
        "validate": validate,
        "index": lambda resource: indexer.index(resource, now),
        "validate and index": lambda resource: (
            validate(resource),
            indexer.index(resource, now),
        ),
    }
    return tuple(_cost(name, step, parsed) for name, step in steps.items())


def _cost(name: str, step: Callable[[Resource], object], resources: list[Resource]) -> Cost:
    times = []
    for round in range(2):
        for resource in resources:
            begun = time.perf_counter()
            step(resource)
            if round:
                times.append((time.perf_counter() - begun) * 1000)
    p50, p95, _ = percentiles(times)
    return Cost(name, len(resources), round3(fmean(times or [0.0])), round3(p50), round3(p95))


def round3(value: float) -> float:
    """To microseconds."""
    return round(value, 3)
