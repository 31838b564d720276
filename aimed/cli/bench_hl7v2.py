"""`aimed bench hl7v2`: how many messages this machine takes."""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table

from aimed.bench import hl7v2 as bench
from aimed.bench.measuring import ApiCpu
from aimed.cli.up import say
from aimed.embedded import Stack
from aimed.migration import migrate
from aimed.settings import Settings, child_environment
from fhir_server.store.connection import connect
from integrations.hl7v2.store import MessageStore
from integrations.hl7v2.store.indexes import MESSAGES

_CONNECTIONS = (1, 4)
_INSERTS = 300
_STEPS = 11
_FEW = 20
"""Messages of each kind that tell how many go the whole way in the time of a measurement."""
_COLUMNS = (
    "connections", "converting", "messages/s", "ACK p50 ms", "ACK p99 ms", "refused",
    "server CPU ms", "database CPU ms",
)  # fmt: skip

Seconds = Annotated[float, typer.Option("--seconds", min=0.1, help="Length of each measurement.")]
Output = Annotated[Path | None, typer.Option("--json", help="Write the figures to this file.")]


def hl7v2(seconds: Seconds = 5.0, output: Output = None) -> None:
    """Parse, convert, receive over MLLP on 1 and on 4 connections, and go the whole way to FHIR.

    It runs on databases of its own, or on the database at AIMED_MONGO__URI, which it fills.
    """
    console = Console()
    with Progress(
        TextColumn("{task.description}"), BarColumn(), console=console, transient=True
    ) as progress:
        task = progress.add_task("starting", total=_STEPS)

        def step(title: str) -> None:
            progress.update(task, description=title, advance=1)

        figures = asyncio.run(_measure(seconds, step))
    _show(figures, console)
    if output is not None:
        output.write_text(json.dumps(figures.as_json(), indent=2) + "\n", "utf-8")
    if any(one.refused for one in figures.intake) or any(one.failed for one in figures.end_to_end):
        say("aimed: not every message was accepted and converted.")
        raise typer.Exit(1)


async def _measure(seconds: float, step: Callable[[str], None]) -> bench.Figures:
    settings, load = Settings(), os.getloadavg()[0]
    step("parsing")
    parsed = await asyncio.to_thread(bench.parsing, seconds / 2)
    step("conversion")
    converted = {
        kind: await asyncio.to_thread(bench.converting, kind, seconds / 2)
        for kind in bench.MESSAGES
    }
    with tempfile.TemporaryDirectory(prefix="aimed-bench-") as folder:
        async with Stack(settings, Path(folder), applications=False, say=say) as stack:
            await migrate(settings.at(mongo=stack.mongo_uri, redis=stack.redis_uri))
            environment = child_environment(
                {
                    "AIMED_MONGO__URI": stack.mongo_uri,
                    "AIMED_REDIS__URI": stack.redis_uri,
                    "AIMED_HL7V2__LISTENERS": "[{}]",
                }
            )
            cpu = ApiCpu(None if settings.mongo.uri else stack.pid("mongo"))
            async with connect(stack.mongo_uri) as client:
                store = MessageStore(client[settings.mongo.database])
                rates, whole = await _over_sockets(store, environment, cpu, seconds, step)
                step("database alone")
                alone = await bench.database_alone(store.database, _INSERTS)
    return bench.Figures(load, len(bench.adt(1)), parsed, converted, rates, whole, alone)


async def _over_sockets(
    store: MessageStore,
    environment: Mapping[str, str],
    cpu: ApiCpu,
    seconds: float,
    step: Callable[[str], None],
) -> tuple[tuple[bench.IntakeRate, ...], tuple[bench.EndToEnd, ...]]:
    rates: list[bench.IntakeRate] = []
    async with bench.server(environment, receive_only=True) as (address, pid):
        used = {"server": ApiCpu(pid), "database": cpu}
        rates += await _intakes(address, seconds, 100_000_000, step, converting=False, **used)
    # What was received above is not converted below.
    await store.database[MESSAGES].delete_many({})
    async with bench.server(environment, receive_only=False) as (address, pid):
        used = {"server": ApiCpu(pid), "database": cpu}
        whole = []
        for at, kind in enumerate(bench.MESSAGES):
            step(f"{kind} to FHIR")
            first = 700_000_000 + at * 10_000_000
            # As many as take the time asked for at the speed of the first few.
            few = await bench.end_to_end(kind, address, store, _FEW, first, **used)
            count = max(_FEW, int(few.per_second * seconds))
            whole.append(await bench.end_to_end(kind, address, store, count, first + _FEW, **used))
        # Last, as it leaves more than is converted in that time.
        rates += await _intakes(address, seconds, 800_000_000, step, converting=True, **used)
    return tuple(rates), tuple(whole)


async def _intakes(
    address: tuple[str, int],
    seconds: float,
    first: int,
    step: Callable[[str], None],
    *,
    converting: bool,
    server: ApiCpu,
    database: ApiCpu,
) -> list[bench.IntakeRate]:
    """One rate for each number of connections; before them a second that is not counted."""
    made = []
    for at, (count, length) in enumerate(
        [(1, min(1.0, seconds)), *((n, seconds) for n in _CONNECTIONS)]
    ):
        step(f"{count} connections{', converting' if converting else ''}")
        made.append(
            await bench.intake(
                address,
                count,
                length,
                first + at * 50_000_000,
                converting=converting,
                server=server,
                database=database,
            )
        )
    return made[1:]


def _show(figures: bench.Figures, console: Console) -> None:
    table = Table(title=f"HL7 v2 intake, ADT of {figures.bytes} bytes, durable before the ACK")
    for name in _COLUMNS:
        table.add_column(name, justify="right")
    for one in figures.intake:
        table.add_row(
            str(one.connections),
            "yes" if one.converting else "no",
            f"{one.per_second:,.0f}",
            f"{one.p50:.2f}",
            f"{one.p99:.2f}",
            str(one.refused),
            _ms(one.server_cpu),
            _ms(one.database_cpu),
        )
    console.print(table)
    console.print(f"Load of the machine before: {figures.load:.1f}.")
    console.print(f"Parsing with header: {figures.parsed_per_second:,.0f} messages/s on one core.")
    for kind, rate in figures.converted_per_second.items():
        console.print(f"{kind} converted, nothing written: {rate:,.0f} messages/s on one core.")
    for whole in figures.end_to_end:
        console.print(_whole(whole))
    console.print(f"One insert alone, waited for: {figures.database_ms:.2f} ms.")
    if figures.database_share is not None:
        console.print(
            f"The database has {figures.database_share:.0%} of the CPU time of a message."
        )


def _whole(one: bench.EndToEnd) -> str:
    share = one.database_share
    of = "" if share is None else f", the database has {share:.0%} of the CPU time"
    return (
        f"{one.kind} over MLLP to FHIR: {one.per_second:,.0f} messages/s, {one.resources:.1f} "
        f"resources each, {_ms(one.server_cpu)} ms CPU here and {_ms(one.database_cpu)} ms there"
        f"{of}; {one.failed} failed."
    )


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
