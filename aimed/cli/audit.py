"""`aimed audit`: whether the audit trail is whole, and removing what is older than it is kept."""

from __future__ import annotations

import asyncio
import sys
from datetime import timedelta
from typing import Annotated

import typer
from rich.progress import Progress

from aimed.cli.options import Data
from aimed.embedded.databases import reach_database
from aimed.embedded.errors import StackError
from aimed.settings import Settings
from fhir_server.administration.chain_state import SHOWN
from fhir_server.audit.chain import Finding, verify
from fhir_server.audit.sealing import Sealing
from fhir_server.clock import system_clock
from fhir_server.store.audit_chain import AuditChain, AuditWitness
from fhir_server.store.audit_checks import AuditCheck, AuditCheckStore

Head = Annotated[
    str | None,
    typer.Option(
        help="A block noted earlier, as NUMBER:HASH; shows whether the newest were cut off."
    ),
]


def make_audit() -> typer.Typer:
    """The subcommands."""
    audit = typer.Typer(help="Check and prune the audit trail.", no_args_is_help=True)
    audit.command("verify")(check)
    audit.command("head")(head)
    audit.command("purge")(purge)
    return audit


def check(head: Head = None, data: Data = None) -> None:
    """Check every block and every event. Exit code 1 when something was changed or removed."""
    noted = _noted(head) if head else None
    events, findings = asyncio.run(_verify(Settings(), data, noted))
    for finding in findings:
        typer.echo(f"{finding.place} {finding.text}")
    if findings:
        raise StackError(f"The audit trail is not whole: {len(findings)} findings.")
    typer.echo(f"The audit trail is whole: {events} events.")


def head(data: Data = None) -> None:
    """Print the newest block as NUMBER:HASH, to be noted where nobody can change it."""
    typer.echo(asyncio.run(_head(Settings(), data)))


def purge(
    days: Annotated[
        int | None, typer.Option(min=1, help="Keep this many days instead of the setting's.")
    ] = None,
    data: Data = None,
) -> None:
    """Remove events older than AIMED_FHIR__AUDIT__RETENTION_DAYS; the chain says so."""
    typer.echo(f"Removed {asyncio.run(_purge(Settings(), data, days))} events.")


def _noted(text: str) -> tuple[int, str]:
    number, _, hash = text.partition(":")
    if not number.isdigit() or len(hash) != 64:
        raise StackError("--head takes what `aimed audit head` printed, NUMBER:HASH.")
    return int(number), hash


def _key(settings: Settings) -> bytes:
    return settings.fhir.audit.chain_key.get_secret_value().encode()


async def _verify(
    settings: Settings, data: Data, noted: tuple[int, str] | None
) -> tuple[int, list[Finding]]:
    """How many events there are and what is wrong. The audit page shows it as the last check."""
    began, events, last, findings = system_clock(), 0, (0, ""), list[Finding]()
    async with reach_database(settings, data) as database:
        chain = AuditChain(database)
        with Progress(transient=True, disable=not sys.stderr.isatty()) as progress:
            bar = progress.add_task("Verifying", total=await chain.count())
            async for one in verify(chain, _key(settings), noted):
                if isinstance(one, Finding):
                    findings.append(one)
                else:
                    events += len(one.entries)
                    last = (one.number, one.hash)
                    progress.advance(bar)
        shown = tuple((one.place, one.text) for one in findings[:SHOWN])
        check = AuditCheck(began, system_clock(), events, len(findings), *last, shown)
        await AuditCheckStore(database).keep(check)
    return events, findings


async def _head(settings: Settings, data: Data) -> str:
    async with reach_database(settings, data) as database:
        last = await AuditChain(database).last()
    if last is None:
        raise StackError("No event was sealed yet.")
    return f"{last.number}:{last.hash}"


async def _purge(settings: Settings, data: Data, days: int | None) -> int:
    async with reach_database(settings, data) as database:
        chain = AuditChain(database)
        sealing = Sealing(chain, AuditWitness(_key(settings)), clock=system_clock)
        kept = timedelta(days=days or settings.fhir.audit.retention_days)
        return await sealing.purge(system_clock() - kept)
