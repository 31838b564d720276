"""`aimed hl7v2 feeds` and `aimed hl7v2 destinations`: how feeds do, and what is done about them."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from aimed.cli.administering import Json, print_json
from aimed.cli.hl7v2_administering import administered, print_table, steered
from aimed.cli.options import Data
from fhir_server.administration.acts import OPERATOR, Act
from fhir_server.server import FhirServer
from integrations.hl7v2.outbound.administration import OutboundAdministration

Name = Annotated[str, typer.Argument(help="The destination's name in the settings.")]

Withheld = Annotated[
    bool,
    typer.Option("--withheld", help="What directives or labels kept here; it is asked for anew."),
]


def make_destinations() -> typer.Typer:
    """The `destinations` subcommands."""
    cli = typer.Typer(help="Pause, resume, send dead letters again.", no_args_is_help=True)
    cli.command("pause")(pause)
    cli.command("resume")(resume)
    cli.command("resend")(resend)
    return cli


def feeds(as_json: Json = False, data: Data = None) -> None:
    """Listeners and destinations: rates, failures, what waits, what is wrong."""
    told = administered(data, lambda administration: administration.feeds())
    if as_json:
        print_json(told)
        return
    if told["processing"] is None:
        typer.echo("No process converts messages now: start `aimed mllp`.", err=True)
    head = ("listener", "state", "a minute", "last hour", "failed", "waiting", "last")
    print_table("Receiving", head, [_listener(one) for one in told["listeners"]])
    if told["destinations"]:
        columns = (
            "destination",
            "state",
            "waiting",
            "dead",
            "withheld",
            "last accepted",
            "last attempt",
        )
        print_table("Sending", columns, [_destination(one) for one in told["destinations"]])


def pause(name: Name, as_json: Json = False, data: Data = None) -> None:
    """Send nothing more to a destination; messages wait in their order."""

    async def work(outbound: OutboundAdministration, fhir: FhirServer) -> None:
        await outbound.pause(name)
        await _note(fhir, "pause", name)

    steered(data, work)
    _tell_state(name, "is paused", paused=True, as_json=as_json)


def resume(name: Name, as_json: Json = False, data: Data = None) -> None:
    """Go on sending to a destination."""

    async def work(outbound: OutboundAdministration, fhir: FhirServer) -> None:
        await outbound.resume(name)
        await _note(fhir, "resume", name)

    steered(data, work)
    _tell_state(name, "goes on", paused=False, as_json=as_json)


def resend(
    name: Name, withheld: Withheld = False, as_json: Json = False, data: Data = None
) -> None:
    """Send all dead letters of a destination again, or what was withheld from it."""

    async def work(outbound: OutboundAdministration, fhir: FhirServer) -> int:
        again = outbound.resend_withheld if withheld else outbound.resend_dead
        queued = await again(name)
        await _note(fhir, "resend", name, *([("state", "withheld")] if withheld else []))
        return queued

    queued = steered(data, work)
    if as_json:
        print_json({"queued": queued})
    else:
        typer.echo(f"{queued} messages are queued again.")


def _tell_state(name: str, said: str, *, paused: bool, as_json: bool) -> None:
    if as_json:
        print_json({"destination": name, "paused": paused})
    else:
        typer.echo(f"{name} {said}.")


async def _note(fhir: FhirServer, name: str, destination: str, *more: tuple[str, str]) -> None:
    details = (("destination", destination), *more)
    act = Act(f"hl7v2/destinations/{name}", "operation", details=details)
    await fhir.administration.acts.note(OPERATOR, act)


def _listener(one: dict[str, Any]) -> list[str]:
    return [
        one["name"],
        ", ".join(one["warnings"]) or "in order",
        str(one["rate"]),
        str(one["received_hour"]),
        str(one["dead"]),
        str(one["waiting"]),
        one["last"] or "never",
    ]


def _destination(one: dict[str, Any]) -> list[str]:
    return [
        one["name"],
        ", ".join(one["warnings"]) or "in order",
        str(one["backlog"]),
        str(one["dead"]),
        str(one["withheld"]),
        one["last_acknowledged"] or "never",
        one["reason"],
    ]
