"""`aimed hl7v2 validate`: files held to the structure of their HL7 version, without a server."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aimed.cli.administering import Json, print_json
from aimed.embedded.errors import StackError
from aimed.logging import logging_to_stderr
from aimed.settings import Settings

if TYPE_CHECKING:
    from integrations.hl7v2.structure.checked import StructureChecker

Document = dict[str, Any]
Files = Annotated[
    list[Path],
    typer.Argument(exists=True, dir_okay=False, help="Files with messages, or batches (FHS, BHS)."),
]
Charset = Annotated[
    str, typer.Option(help="Character set of what MSH-18 and UTF-8 do not explain.")
]


def validate(files: Files, charset: Charset = "cp1252", as_json: Json = False) -> None:
    """Check the structure of messages by their version; ends with 1 when something is found."""
    try:
        b"x".decode(charset)
    except LookupError:
        raise StackError("The charset is a Python codec, like cp1252.") from None
    with logging_to_stderr():
        found = asyncio.run(_validate(Settings(), files, charset))
    if as_json:
        print_json(found)
    else:
        for one in found:
            _print(one)
    if any(one["failed"] or one["findings"] for one in found):
        raise typer.Exit(1)


async def _validate(settings: Settings, files: list[Path], charset: str) -> list[Document]:
    from contextlib import aclosing

    from integrations.hl7v2.message.batch import read_batch
    from integrations.hl7v2.structure.pool import CheckingPool

    found = []
    async with aclosing(CheckingPool(settings.hl7v2.structure)) as checking:
        for file in files:
            raw = await asyncio.to_thread(file.read_bytes)
            messages = (await asyncio.to_thread(read_batch, raw)).messages
            # What holds no message is held to be one: the finding says so.
            for number, message in enumerate(list(messages) or [raw], 1):
                place = {"file": str(file), "message": number}
                found.append(place | await _checked(checking, message, charset))
    return found


async def _checked(checking: StructureChecker, raw: bytes, charset: str) -> Document:
    from integrations.hl7v2.administration.checking import structure_of

    return await structure_of(checking, raw, charset)


def _print(one: Document) -> None:
    what = " ".join(filter(None, (one["type"], one["control"])))
    typer.echo(f"{Path(one['file']).name} {one['message']}: {what}")
    print_structure(one)


def print_structure(one: Document | None) -> None:
    """What was found in a message, one finding a line; nothing for None."""
    if one is None:
        return
    if why := one.get("failed"):
        typer.echo(f"structure: {why}")
        return
    count = len(one["findings"])
    order = "" if one["structure"] else ", the order of segments was not checked"
    by = f" by version {one['version']}" if one["version"] else ""
    typer.echo(f"structure: {count or 'no'} finding{'' if count == 1 else 's'}{by}{order}")
    for finding in one["findings"]:
        typer.echo(f"    {finding['code']} {finding['place']:<14} {finding['text']}")
