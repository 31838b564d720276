"""`aimed user`: accounts of people."""

from __future__ import annotations

import asyncio
import secrets
import sys
from typing import Annotated

import typer

from aimed.cli.options import Data
from aimed.embedded.databases import reach
from aimed.embedded.errors import StackError
from aimed.settings import Settings

_SHORTEST = 12
"""Characters; NIST SP 800-63B-4 asks for 15 where a password stands alone, 8 at the least."""

Username = Annotated[str, typer.Argument(help="Name to sign in with.")]


def make_user() -> typer.Typer:
    """The subcommands."""
    user = typer.Typer(help="Add people and change their passwords.", no_args_is_help=True)
    user.command("add")(add)
    user.command("password")(password)
    return user


def add(
    username: Username,
    display: Annotated[str, typer.Option(help="The person's name, as notes are signed.")],
    data: Data = None,
) -> None:
    """Add a clinician. The password is read from standard input, or made up and printed."""
    chosen, made_up = _password()
    asyncio.run(_add(Settings(), data, username, chosen, display))
    typer.echo(f"Added {username.lower()}." + (f" Password: {chosen}" if made_up else ""))


def password(username: Username, data: Data = None) -> None:
    """Change a password and end the person's sessions."""
    chosen, made_up = _password()
    asyncio.run(_change(Settings(), data, username, chosen))
    typer.echo("Changed." + (f" Password: {chosen}" if made_up else ""))


async def _add(settings: Settings, data: Data, username: str, password: str, display: str) -> None:
    from aimed.fhir import open_fhir
    from aimed.migration import add_user

    async with reach(settings, data) as reached, open_fhir(reached) as server:
        await add_user(server, username, password, display=display)


async def _change(settings: Settings, data: Data, username: str, password: str) -> None:
    from aimed.fhir import open_fhir
    from fhir_server.auth.passwords import Passwords

    async with reach(settings, data) as reached, open_fhir(reached) as server:
        hashed = await Passwords().hash(password)
        if not await server.accounts.set_password(username, hashed):
            raise StackError(f"There is no account {username}.")
        await server.tokens.remove_subject(username.lower())


def _password() -> tuple[str, bool]:
    """The password, and whether we made it up."""
    if sys.stdin.isatty():
        typed: str = typer.prompt("Password (empty: make one up)", default="", hide_input=True)
    else:
        typed = sys.stdin.readline().rstrip("\n")
    if not typed:
        return secrets.token_urlsafe(12), True
    if len(typed) < _SHORTEST:
        raise StackError(f"A password has at least {_SHORTEST} characters.")
    return typed, False
