"""`aimed duties`: what is done by itself, and how it went last time."""

from __future__ import annotations

import asyncio
import sys
from typing import Annotated

import typer

from aimed.cli.options import Data
from aimed.embedded.databases import reach
from aimed.settings import Settings
from fhir_server.clock import instant
from fhir_server.store.connection import connect
from fhir_server.store.duties import DutyState, DutyStore


def duties(
    check: Annotated[
        bool,
        typer.Option("--check", help="Exit with 1 when a duty failed or found something."),
    ] = False,
    data: Data = None,
) -> None:
    """Print each periodic duty: when it is due, when it last ended, and its outcome."""
    states = asyncio.run(_states(Settings(), data))
    for one in states:
        typer.echo(_line(one))
    if check and any(one.failed for one in states):
        sys.exit(1)


def _line(one: DutyState) -> str:
    ended = instant(one.ended) if one.ended else "never"
    status = "FAILED" if one.failed else "ok" if one.ended else "-"
    return f"{one.name:14}  due {instant(one.due)}  last {ended:24}  {status:6}  {one.outcome}"


async def _states(settings: Settings, data: Data) -> list[DutyState]:
    async with reach(settings, data) as reached, connect(reached.mongo_uri) as client:
        return await DutyStore(client[reached.mongo.database]).all()
