"""`aimed keys`: the keys that the database is encrypted with."""

from __future__ import annotations

import asyncio
import base64
import secrets
import sys

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from aimed.cli.options import Data
from aimed.embedded.databases import reach_database
from aimed.embedded.errors import StackError
from aimed.settings import Settings
from fhir_server.store.connection import Database
from fhir_server.store.encryption import EncryptedDatabase
from fhir_server.store.encryption.key_vault import DataKey, KeyVault
from fhir_server.store.encryption.master_keys import LENGTH
from fhir_server.store.encryption.reencryption import reencrypt as reencryption


def make_keys() -> typer.Typer:
    """The subcommands."""
    keys = typer.Typer(help="Keys of the encryption at rest.", no_args_is_help=True)
    keys.command("generate")(generate)
    keys.command("status")(status)
    keys.command("rotate")(rotate)
    keys.command("reencrypt")(reencrypt)
    return keys


def generate() -> None:
    """Print a new local master key. Keep it, and a copy, where the database is not."""
    typer.echo(base64.b64encode(secrets.token_bytes(LENGTH)).decode())


def status(data: Data = None) -> None:
    """List the data keys and the master key that each is wrapped by."""
    for key in asyncio.run(_status(Settings(), data)):
        typer.echo(f"{key.number} {key.created:%Y-%m-%d %H:%M} {key.master}")


def rotate(data: Data = None) -> None:
    """Make a new data key and wrap all of them by the master key of the settings.

    What is written from then on is encrypted with the new one, within seconds and in every
    process. `aimed keys reencrypt` does the same for what is there.
    """
    number, wrapped = asyncio.run(_rotate(Settings(), data))
    typer.echo(f"Data key {number} is in use; {wrapped} data keys are wrapped anew.")


def reencrypt(data: Data = None) -> None:
    """Encrypt everything stored with the newest data key, while the server works.

    It may be stopped at any moment and goes on from there when it is called again.
    """
    typer.echo(f"Encrypted {asyncio.run(_reencrypt(Settings(), data))} documents anew.")


async def _status(settings: Settings, data: Data) -> list[DataKey]:
    async with reach_database(settings, data) as database:
        return await asyncio.to_thread(_vault(database).all)


async def _rotate(settings: Settings, data: Data) -> tuple[int, int]:
    async with reach_database(settings, data) as database:
        vault = _vault(database)
        await asyncio.to_thread(vault.add)
        wrapped = await asyncio.to_thread(vault.wrap_again)
        return (await asyncio.to_thread(vault.current)).number, wrapped


async def _reencrypt(settings: Settings, data: Data) -> int:
    changed = 0
    columns = (TextColumn("Encrypting"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    async with reach_database(settings, data) as database:
        with Progress(*columns, transient=True, disable=not sys.stderr.isatty()) as progress:
            bar = progress.add_task("Encrypting", total=None)
            async for step in reencryption(_encrypted(database)):
                changed = step.changed
                progress.update(bar, completed=step.done, total=step.total)
    return changed


def _vault(database: Database) -> KeyVault:
    return _encrypted(database).cipher.vault


def _encrypted(database: Database) -> EncryptedDatabase:
    if not isinstance(database, EncryptedDatabase):
        raise StackError("Encryption is off: set AIMED_FHIR__ENCRYPTION__PROVIDER.")
    return database
