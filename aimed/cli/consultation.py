"""`aimed consultation`: consultations that wait for an engine."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from typing import Annotated

import typer

from aimed.cli.options import Data
from aimed.embedded.databases import reach
from aimed.embedded.errors import StackError
from aimed.settings import Settings
from fhir_server.clock import instant, random_id, system_clock
from fhir_server.store import MongoStore
from fhir_server.store.connection import Database
from fhir_server.store.encryption import open_database
from pipelines.consultation.stopping import close_as_it_is, order_finishing
from pipelines.store import ConsultationStore

Ids = Annotated[
    list[str] | None, typer.Argument(help="Ids of Encounters. [default: all that wait]")
]
AsItIs = Annotated[
    bool,
    typer.Option("--as-it-is", help="Wait no longer: close with what there is, and say so in it."),
]


def make_consultation() -> typer.Typer:
    """The subcommands."""
    consultation = typer.Typer(
        help="See to consultations that wait for an engine.", no_args_is_help=True
    )
    consultation.callback()(lambda: None)
    consultation.command("waiting")(waiting)
    consultation.command("finish")(finish)
    return consultation


def waiting(data: Data = None) -> None:
    """Print each consultation that waits for an engine, since when, and for what."""
    for line in asyncio.run(_waiting(Settings(), data)):
        typer.echo(line)


def finish(ids: Ids = None, as_it_is: AsItIs = False, data: Data = None) -> None:
    """Let the worker try now. Doing it twice does no harm."""
    if as_it_is and not ids:
        raise typer.BadParameter("--as-it-is needs the ids of the consultations it is for.")
    ordered = asyncio.run(_finish(Settings(), ids, as_it_is, data))
    typer.echo(f"{ordered} ordered.")
    if ids and ordered < len(ids):
        raise StackError("The others do not wait for an engine.")


async def _waiting(settings: Settings, data: Data) -> list[str]:
    async with reach(settings, data) as reached, _database(reached) as database:
        found = await ConsultationStore(database).waiting()
        return [f"{one.encounter}  {instant(one.started)}  {one.waiting}" for one in found]


async def _finish(settings: Settings, ids: list[str] | None, as_it_is: bool, data: Data) -> int:
    async with reach(settings, data) as reached, _database(reached) as database:
        store = MongoStore(database, clock=system_clock, ids=random_id)
        found = [one.encounter for one in await ConsultationStore(database).waiting()]
        chosen = [id for id in found if ids is None or id in ids]
        for id in chosen:
            await (close_as_it_is(store, id) if as_it_is else order_finishing(store, id))
        return len(chosen)


def _database(settings: Settings) -> AbstractAsyncContextManager[Database]:
    return open_database(settings.mongo_uri, settings.mongo.database, settings.fhir.encryption)
