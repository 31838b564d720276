"""`aimed check`: whether an installation is set up as it should be."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aimed.cli.options import Data
from aimed.embedded.databases import reach
from aimed.embedded.errors import StackError
from aimed.logging import logging_to_stderr
from aimed.security.database_checks import check_databases
from aimed.security.finding import Finding
from aimed.security.people_checks import check_people
from aimed.security.settings_checks import check_settings
from aimed.settings import Settings
from fhir_server.clock import system_clock

if TYPE_CHECKING:
    from aimed.engine_checks import EngineCheck

Strict = Annotated[bool, typer.Option("--strict", help="Let warnings count as faults.")]
Offline = Annotated[
    bool, typer.Option("--settings-only", help="Look at the settings, not at the databases.")
]

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
IamPolicy = Annotated[
    bool,
    typer.Option("--iam-policy", help="Print the least that AWS IAM has to allow, and ask nobody."),
]


def make_check() -> typer.Typer:
    """The subcommands."""
    check = typer.Typer(help="Look whether everything is set up well.", no_args_is_help=True)
    check.callback()(lambda: None)
    check.command("security")(security)
    check.command("engines")(engines)
    return check


def security(strict: Strict = False, settings_only: Offline = False, data: Data = None) -> None:
    """Name what is set loosely and what to do about it. Exit code 1 when something is wrong."""
    settings = Settings()
    findings = list(check_settings(settings))
    if not settings_only:
        findings += asyncio.run(_look(settings, data))
    for one in findings:
        typer.echo(f"{one.level:8}{one.about}: {one.text}")
    counting = ("warning", "fault") if strict else ("fault",)
    wrong = sum(one.level in counting for one in findings)
    if wrong:
        raise StackError(f"{wrong} of {len(findings)} need something done.")


def engines(as_json: AsJson = False, iam_policy: IamPolicy = False) -> None:
    """Let each engine of the settings do a second's work. Exit code 1 when one does not."""
    settings = Settings()
    if iam_policy:
        typer.echo(json.dumps(_policy(settings), indent=2))
        return
    with logging_to_stderr():
        found = asyncio.run(_ask(settings))
    if as_json:
        typer.echo(json.dumps([asdict(one) for one in found], indent=2))
    else:
        for one in found:
            mark = "ok" if one.works else "FAILED"
            typer.echo(f"{mark:8}{one.work:15}{one.key:9}{one.name}: {one.text}")
    broken = sum(not one.works for one in found)
    if broken:
        raise StackError(f"{broken} of {len(found)} engines do not work.")


async def _ask(settings: Settings) -> list[EngineCheck]:
    from aimed.engine_checks import check_engines

    return [one async for one in check_engines(settings)]


def _policy(settings: Settings) -> dict[str, Any]:
    from integrations.aws.permissions.iam_policy import iam_policy

    return iam_policy(settings.aws, streaming="aws" in settings.engines.transcription)


async def _look(settings: Settings, data: Data) -> list[Finding]:
    from aimed.fhir import open_fhir

    async with reach(settings, data) as reached:
        found = [one async for one in check_databases(reached, system_clock)]
        async with open_fhir(reached) as server:
            return found + [one async for one in check_people(server)]
