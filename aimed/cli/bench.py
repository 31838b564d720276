"""`aimed bench`: measure this machine, and say under which conditions."""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import httpx2
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from aimed.bench import bundles
from aimed.bench.fhir import Plan, run
from aimed.bench.measuring import ApiCpu
from aimed.bench.report import Conditions, as_json, show
from aimed.cli.bench_consultation import consultation
from aimed.cli.bench_hl7v2 import hl7v2
from aimed.cli.up import say
from aimed.embedded import Stack
from aimed.settings import Settings
from fhir_server.clock import system_clock
from fhir_server.store.connection import connect
from fhir_server.store.statistics import Statistics, is_unused, statistics

_MADE_UP = 50

Bundles = Annotated[
    Path | None,
    typer.Option(
        "--bundles",
        exists=True,
        file_okay=False,
        help="Folder with transaction bundles (*.json, *.json.gz). [default: made-up patients]",
    ),
]
Clients = Annotated[str, typer.Option("--clients", help="Numbers of clients at once.")]
Seconds = Annotated[
    float, typer.Option("--seconds", min=0.1, help="Length of each measurement but the imports.")
]
Imported = Annotated[
    int, typer.Option("--imported", min=1, help="Bundles of each import, one a client at least.")
]
Output = Annotated[
    Path | None, typer.Option("--json", help="Write all figures, plans included, to this file.")
]


def make_bench() -> typer.Typer:
    """The `bench` command with its parts."""
    cli = typer.Typer(help="Measure this machine.", no_args_is_help=True)
    cli.callback()(_bench)
    cli.command("fhir")(fhir)
    cli.command("hl7v2")(hl7v2)
    cli.command("consultation")(consultation)
    return cli


def _bench() -> None:
    """Measure this machine."""


def fhir(
    bundles: Bundles = None,
    clients: Clients = "1,16,64",
    seconds: Seconds = 5.0,
    imported: Imported = 20,
    output: Output = None,
) -> None:
    """Import bundles, read, write and search over HTTP; print rates, percentiles and sizes.

    It runs on databases of its own, or on an empty database at AIMED_MONGO__URI.
    """
    try:
        plan = _plan(bundles, clients, seconds, imported)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    source = f"bundles of {bundles.name}" if bundles else "made-up bundles"
    console = Console()
    report = asyncio.run(_measure(plan, source, console))
    if report is None:
        raise typer.Exit(2)
    show(report, console)
    if output is not None:
        output.write_text(json.dumps(report, indent=2) + "\n", "utf-8")
    failed = sum(one["errors"] for kind in ("import", "crud", "search") for one in report[kind])
    if failed:
        say(f"aimed: {failed} requests were not answered as they should.")
    raise typer.Exit(1 if failed else 0)


def _plan(folder: Path | None, clients: str, seconds: float, imported: int) -> Plan:
    numbers = [int(number) for number in clients.split(",") if number.strip().isdecimal()]
    if not numbers or min(numbers) < 1 or len(numbers) != len(clients.split(",")):
        raise ValueError("--clients takes whole numbers above zero, like 1,16,64.")
    made = bundles.from_folder(folder) if folder else bundles.made_up(_MADE_UP)
    return Plan(bundles=made, clients=numbers, seconds=seconds, imported=imported)


async def _measure(plan: Plan, source: str, console: Console) -> dict[str, Any] | None:
    settings, load = Settings(), os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="aimed-bench-") as folder:
        async with Stack(settings, Path(folder), say=say) as stack:
            if stack.first_login is None or not await _is_unused(stack, settings):
                say("aimed: this database is in use. Name an empty one in AIMED_MONGO__DATABASE.")
                return None
            login = {"username": stack.first_login.username, "password": stack.first_login.password}
            async with httpx2.AsyncClient(base_url=stack.http_url, timeout=300) as client:
                answer = await client.post("/auth/login", json=login)
                client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
                with _progress(console) as progress:
                    cpu = ApiCpu(stack.pid("api"))
                    now = system_clock()
                    figures = await run(client, plan, cpu, now=now, step=_steps(progress))
            stored = await _statistics(stack, settings)
    return as_json(figures, stored, Conditions(now, stored.server, source, load))


async def _is_unused(stack: Stack, settings: Settings) -> bool:
    async with connect(stack.mongo_uri) as client:
        return await is_unused(client[settings.mongo.database])


async def _statistics(stack: Stack, settings: Settings) -> Statistics:
    async with connect(stack.mongo_uri) as client:
        return await statistics(client[settings.mongo.database])


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:.0f} requests"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    )


def _steps(progress: Progress) -> Callable[[str, int | None], Callable[[], None]]:
    shown: list[TaskID] = []

    def step(title: str, total: int | None) -> Callable[[], None]:
        for old in shown:
            progress.remove_task(old)
        shown[:] = [progress.add_task(title, total=total)]
        return lambda: progress.advance(shown[0])

    return step
