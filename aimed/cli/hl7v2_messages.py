"""`aimed hl7v2 messages`, `show`, `try` and `replay`: received messages, for operators."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, get_args

import typer

from aimed.cli.administering import Json, print_json
from aimed.cli.hl7v2_administering import administered, print_table
from aimed.cli.hl7v2_progress import message_progress
from aimed.cli.hl7v2_validating import print_structure
from aimed.cli.options import Data
from aimed.embedded.errors import StackError
from fhir_server.administration.acts import OPERATOR
from integrations.hl7v2.administration import Hl7v2Administration
from integrations.hl7v2.store import MessageQuery, Replayed, State

Document = dict[str, Any]
Control = Annotated[str, typer.Option(help="MSH-10.")]
Type = Annotated[str, typer.Option(help="MSH-9, such as ADT or ADT^A01.")]
Patient = Annotated[str, typer.Option(help="An id of PID-3.")]
Listener = Annotated[str, typer.Option(help="Name of the listener; http and file are others.")]
InState = Annotated[str, typer.Option("--state", help=", ".join(get_args(State)))]
Error = Annotated[str, typer.Option(help="A part of the error's text.")]
Since = Annotated[datetime | None, typer.Option(help="Received from then on, UTC.")]
Until = Annotated[datetime | None, typer.Option(help="Received before, UTC.")]


def messages(
    control: Control = "",
    type: Type = "",
    patient: Patient = "",
    listener: Listener = "",
    state: InState = "",
    error: Error = "",
    since: Since = None,
    until: Until = None,
    count: Annotated[int, typer.Option(min=1, max=1000, help="Most messages.")] = 50,
    after: Annotated[str, typer.Option(help="Go on after this page: its `next`.")] = "",
    as_json: Json = False,
    data: Data = None,
) -> None:
    """Find received messages, newest first."""
    query = _query(control, type, patient, listener, state, error, since, until)
    found = administered(
        data, lambda one: one.search(OPERATOR, query, limit=count, after=after or None)
    )
    if as_json:
        print_json(found)
        return
    head = ("received", "type", "control id", "patient", "state", "id", "error")
    print_table("Messages", head, [_row(one) for one in found["messages"]])
    if found["next"]:
        typer.echo(f"More with --after {found['next']}")


def show(
    id: Annotated[str, typer.Argument(help="The message's id, as `messages` lists it.")],
    as_json: Json = False,
    data: Data = None,
) -> None:
    """One message: its text, what was left unmapped, what came of it."""
    told = administered(data, lambda one: one.show(OPERATOR, id))
    if as_json:
        print_json(told)
        return
    typer.echo(f"{told['type']} {told['control']}  {told['state']}  {told['received']}")
    if told["error"]:
        typer.echo(f"error  {told['error']['text']}")
    print_structure(told["structure"])
    _print_text(told)
    for one in told["written"]:
        typer.echo(f"{one['effect']:<10} {one['reference']}")


def try_(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="One message.")],
    listener: Listener = "",
    structure: Annotated[
        bool, typer.Option("--structure", help="Hold it to the structure of its version too.")
    ] = False,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """Convert a message by the mapping as it is now, and store nothing."""
    raw = file.read_bytes()
    told = administered(
        data, lambda one: one.try_message(OPERATOR, raw, listener, structure=structure)
    )
    if as_json:
        print_json(told)
        return
    for name in ("refused", "ignored"):
        if told[name]:
            typer.echo(f"{name}: {told[name]}")
    print_structure(told["structure"])
    _print_text(told)
    for one in told["drafts"]:
        typer.echo(f"{one['key']:<28} from {', '.join(one['origin'])}  {one['problem']}".rstrip())


def replay(
    ids: Annotated[list[str] | None, typer.Argument(help="Messages by their ids.")] = None,
    all_: Annotated[bool, typer.Option("--all", help="All that the options find.")] = False,
    control: Control = "",
    type: Type = "",
    patient: Patient = "",
    listener: Listener = "",
    state: InState = "",
    error: Error = "",
    since: Since = None,
    until: Until = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Until they are processed.")] = False,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """Process messages again, by ids or with --all whatever the options find."""
    if bool(ids) == all_:
        raise StackError("Give ids of messages, or --all with what to look for.")
    query = _query(control, type, patient, listener, state, error, since, until)
    count = len(ids or ()) or administered(data, lambda one: one.count(query))
    if not yes and not typer.confirm(f"Process {count} messages again?", err=True):
        raise typer.Exit(1)
    done = administered(data, lambda one: _replay(one, ids, query, wait=wait))
    if as_json:
        print_json(done)
        return
    typer.echo(f"{done['queued']} messages are queued again.")
    if done["without_bytes"]:
        typer.echo(f"{done['without_bytes']} cannot be: their bytes were removed.", err=True)


async def _replay(
    administration: Hl7v2Administration, ids: list[str] | None, query: MessageQuery, *, wait: bool
) -> Document:
    done = (
        await administration.replay(OPERATOR, ids)
        if ids
        else await administration.replay_query(OPERATOR, query)
    )
    if wait:
        await _processed(administration, done)
    return {"queued": done.queued, "without_bytes": done.without_bytes}


async def _processed(administration: Hl7v2Administration, done: Replayed) -> None:
    """Wait until none of them waits, whatever else does."""
    waiting = done.queued
    with message_progress() as progress:
        task = progress.add_task("processing", total=done.queued)
        while waiting:
            await asyncio.sleep(0.5)
            waiting = await administration.still_waiting(done.asked)
            progress.update(task, completed=done.queued - waiting)


def _query(
    control: str,
    type: str,
    patient: str,
    listener: str,
    state: str,
    error: str,
    since: datetime | None,
    until: datetime | None,
) -> MessageQuery:
    states: tuple[State, ...] = tuple(one for one in get_args(State) if one == state)
    if state and not states:
        raise StackError(f"There is no such state: use one of {', '.join(get_args(State))}.")
    kind, _, trigger = type.partition("^")
    return MessageQuery(
        control=control, type=kind, trigger=trigger, patient=patient, listener=listener,
        states=states, error=error, since=_utc(since), until=_utc(until),
    )  # fmt: skip


def _utc(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment is not None else None


def _row(one: Document) -> list[str]:
    error = one["error"]["text"] if one["error"] else ""
    return [
        one["received"], one["type"], one["control"], ", ".join(one["patients"]), one["state"],
        one["id"], error,
    ]  # fmt: skip


def _print_text(told: Document) -> None:
    """The segments, and below each what was left of it."""
    if told["segments"] is None:
        typer.echo(told["raw"] or "(its bytes were removed)")
        return
    for segment in told["segments"]:
        shown = [one["text"] for one in segment["fields"]]
        if segment["id"] == "MSH":
            shown = shown[1:]
        typer.echo(told["separator"].join([segment["id"], *shown]))
        if segment.get("outcome") in ("unmapped", "error"):
            typer.echo(f"    {segment['outcome']}: {segment.get('reason', '')}")
            continue
        for one in segment["fields"]:
            if one.get("outcome") in ("unmapped", "error"):
                place = f"{segment['id']}-{one['position']}"
                typer.echo(f"    {place} {one['outcome']}: {one.get('reason', '')}")
