"""A benchmark's figures as JSON and as tables, with the conditions that they hold under."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from aimed.bench.fhir import Figures
from aimed.bench.measuring import Measured
from fhir_server.clock import instant
from fhir_server.store.statistics import Statistics


@dataclass(frozen=True)
class Conditions:
    """What a figure is worth nothing without. `data` says where the bundles come from."""

    at: datetime
    database: str
    data: str
    load: float
    """Mean number of processes that wanted to run in the minute before."""

    def as_json(self) -> dict[str, Any]:
        """For the report."""
        return {
            "at": instant(self.at),
            "database": self.database,
            "data": self.data,
            "cores": os.cpu_count(),
            "processor": _processor(),
            "python": platform.python_version(),
            "aimed": version("aimed"),
            "loadBefore": self.load,
        }


def as_json(figures: Figures, stored: Statistics, conditions: Conditions) -> dict[str, Any]:
    """Everything, for a file."""
    return {
        "conditions": conditions.as_json(),
        "import": [_line(one) for one in figures.imports],
        "crud": [_line(one) for one in figures.crud],
        "search": [_line(one) for one in figures.searches],
        "plans": figures.plans,
        "costs": [asdict(one) for one in figures.costs],
        "storage": asdict(stored),
    }


def show(report: dict[str, Any], console: Console) -> None:
    """Print the tables."""
    show_conditions(report["conditions"], console)
    console.print(_table("Import of transaction bundles", report["import"], "resources/s"))
    console.print(_table("Single interactions: " + _MIX, report["crud"], "requests/s"))
    console.print(_table("Searches, one client", report["search"], "requests/s"))
    costs = Table("own Python, ms a resource", "mean", "p50", "p95")
    for one in report["costs"]:
        costs.add_row(one["name"], *(f"{one[key]:.3f}" for key in ("mean", "p50", "p95")))
    console.print(costs)
    stored = report["storage"]
    console.print(
        f"Stored: {stored['resources']} resources, {stored['versions']} versions; of "
        f"{stored['sampled']} sampled a body has {stored['body_bytes']:.0f} bytes, its index entry "
        f"{stored['index_bytes']:.0f} bytes with {stored['keys']:.0f} keys, "
        f"{stored['ranges']:.0f} ranges and {stored['words']:.0f} words."
    )


def show_conditions(conditions: dict[str, Any], console: Console) -> None:
    """Print what the figures hold for."""
    console.print(
        f"{conditions['database']}; {conditions['cores']} cores ({conditions['processor']}), "
        f"Python {conditions['python']}, load before {conditions['loadBefore']:.1f}; "
        f"{conditions['data']}"
    )


_MIX = "half reads; creates, updates, vreads, histories, deletes"


def _line(one: Measured) -> dict[str, Any]:
    return {
        **asdict(one),
        "per_second": round(one.per_second, 1),
        "resources_per_second": round(one.resources / one.seconds, 1),
        "per_core": None if one.per_core is None else round(one.per_core, 1),
    }


def _table(title: str, lines: Iterable[dict[str, Any]], rate: str) -> Table:
    table = Table(title=title, title_justify="left")
    for heading in ("", "clients", rate, "p50 ms", "p95 ms", "p99 ms", "CPU ms", "errors"):
        table.add_column(heading, justify="right" if heading else "left", no_wrap=True)
    key = "resources_per_second" if rate.startswith("resources") else "per_second"
    for one in lines:
        cpu = "-" if one["cpu_ms"] is None else f"{one['cpu_ms']:.2f}"
        times = (f"{one[name]:.1f}" for name in ("p50", "p95", "p99"))
        table.add_row(
            one["name"], str(one["clients"]), f"{one[key]:.0f}", *times, cpu, str(one["errors"])
        )
    return table


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown"
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
