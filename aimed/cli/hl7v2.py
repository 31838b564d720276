"""`aimed hl7v2`: messages from files, and the commands for looking after HL7 v2."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer

from aimed.cli import hl7v2_feeds, hl7v2_messages, hl7v2_validating
from aimed.cli.administering import Json, print_json
from aimed.cli.hl7v2_progress import message_progress
from aimed.cli.options import Data
from aimed.embedded.databases import reach_database
from aimed.logging import logging_to_stderr
from aimed.settings import Settings
from integrations.hl7v2.batch_intake import BatchReceipt

Files = Annotated[
    list[Path],
    typer.Argument(exists=True, dir_okay=False, help="Files with messages, or batches (FHS, BHS)."),
]


def make_hl7v2() -> typer.Typer:
    """The `hl7v2` command with its parts."""
    cli = typer.Typer(help="HL7 v2 messages.", no_args_is_help=True)
    cli.callback()(_hl7v2)
    cli.command("ingest")(ingest)
    cli.command("feeds")(hl7v2_feeds.feeds)
    cli.command("messages")(hl7v2_messages.messages)
    cli.command("show")(hl7v2_messages.show)
    cli.command("try")(hl7v2_messages.try_)
    cli.command("validate")(hl7v2_validating.validate)
    cli.command("replay")(hl7v2_messages.replay)
    cli.add_typer(hl7v2_feeds.make_destinations(), name="destinations")
    return cli


def _hl7v2() -> None:
    """HL7 v2 messages."""


def ingest(files: Files, as_json: Json = False, data: Data = None) -> None:
    """Store the messages of files, as if they came over the wire. Known ones are passed over."""
    with logging_to_stderr():
        receipts = asyncio.run(_ingest(Settings(), data, files))
    if as_json:
        print_json([_told(*pair) for pair in zip(files, receipts, strict=True)])
    else:
        for file, one in zip(files, receipts, strict=True):
            _tell(file, one)
    if any(one.refused or not one.messages for one in receipts):
        raise typer.Exit(1)


def _tell(file: Path, one: BatchReceipt) -> None:
    typer.echo(
        f"{file.name}: {one.stored} stored, {one.known} known already, {one.refused} refused"
    )
    for problem in one.problems:
        typer.echo(f"{file.name}: {problem}", err=True)


def _told(file: Path, one: BatchReceipt) -> dict[str, Any]:
    return {
        "file": str(file),
        "stored": one.stored,
        "known": one.known,
        "refused": one.refused,
        "problems": list(one.problems),
    }


async def _ingest(settings: Settings, data: Path | None, files: list[Path]) -> list[BatchReceipt]:
    from aimed.hl7v2 import open_intake
    from integrations.hl7v2.batch_intake import receive_batch
    from integrations.hl7v2.message.batch import read_batch
    from integrations.hl7v2.source import Source

    # Nobody waits for these answers.
    source = Source("file", "aimed hl7v2 ingest", mode="original")
    limit = settings.hl7v2.limits.message_bytes
    receipts = []
    async with (
        reach_database(settings, data) as database,
        open_intake(database, settings.hl7v2) as intake,
    ):
        with message_progress() as progress:
            for file in files:
                raw = await asyncio.to_thread(file.read_bytes)
                total = sum(1 for _ in (await asyncio.to_thread(read_batch, raw)).messages)
                task = progress.add_task(file.name, total=total)
                receipts.append(
                    await receive_batch(
                        intake,
                        raw,
                        source,
                        limit=limit,
                        done=lambda count, task=task: progress.advance(task, count),  # type: ignore[misc]
                    )
                )
    return receipts
