"""`aimed user`: accounts of people."""

from __future__ import annotations

import asyncio
import secrets
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import typer

from aimed.cli.options import Data
from aimed.embedded.databases import reach
from aimed.embedded.errors import StackError
from aimed.settings import Settings
from fhir_server.audit import Access
from fhir_server.auth.caller import SYSTEM
from fhir_server.auth.policy import roles
from fhir_server.rest.identity.emergency import ROLE
from fhir_server.server import FhirServer
from fhir_server.store.accounts import Account

Username = Annotated[str, typer.Argument(help="Name to sign in with.")]


def make_user() -> typer.Typer:
    """The subcommands."""
    user = typer.Typer(
        help="Add people, change their passwords and roles, keep them out.", no_args_is_help=True
    )
    user.command("add")(add)
    user.command("password")(password)
    user.command("list")(list_all)
    user.command("roles")(set_roles)
    user.command("disable")(disable)
    user.command("enable")(enable)
    user.command("forget-second-factor")(forget_second_factor)
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


def list_all(data: Data = None) -> None:
    """Print name, status, roles and full name of everybody."""
    for account in asyncio.run(_list(Settings(), data)):
        status = "disabled" if account.disabled else "active"
        roles = ",".join(account.roles)
        typer.echo(f"{account.username}  {status:8}  {roles}  {account.display}")


def set_roles(
    username: Username,
    names: Annotated[list[str], typer.Argument(help="Roles, of those in the policy table.")],
    data: Data = None,
) -> None:
    """Give a person exactly these roles and end their sessions."""
    unknown = sorted(set(names) - (set(roles()) - {ROLE}))
    if unknown:
        known = ", ".join(sorted(set(roles()) - {ROLE}))
        raise StackError(f"There is no role {', '.join(unknown)}. There are {known}.")
    asyncio.run(_set(Settings(), data, username, roles=tuple(dict.fromkeys(names))))
    typer.echo("Changed.")


def disable(username: Username, data: Data = None) -> None:
    """Keep a person out, at once. The account stays, for the audit trail."""
    asyncio.run(_set(Settings(), data, username, disabled=True))
    typer.echo("Disabled.")


def enable(username: Username, data: Data = None) -> None:
    """Let a disabled person sign in again."""
    asyncio.run(_set(Settings(), data, username, disabled=False))
    typer.echo("Enabled.")


def forget_second_factor(username: Username, data: Data = None) -> None:
    """Remove somebody's second factor, when phone and recovery codes are lost."""
    asyncio.run(_forget(Settings(), data, username))
    typer.echo("Removed.")


async def _add(settings: Settings, data: Data, username: str, password: str, display: str) -> None:
    from aimed.migration import add_user

    async with _server(settings, data) as server:
        await add_user(server, username, password, display=display)


async def _change(settings: Settings, data: Data, username: str, password: str) -> None:
    async with _server(settings, data) as server:
        account = await _found(server, username)
        await server.sign_in.change_password(account, password)
        await server.tokens.remove_subject(account.username)


async def _list(settings: Settings, data: Data) -> list[Account]:
    async with _server(settings, data) as server:
        return await server.accounts.all()


async def _set(settings: Settings, data: Data, username: str, **fields: Any) -> None:
    """Change an account and end the person's sessions: what they may do is in their tokens."""
    async with _server(settings, data) as server:
        account = await _found(server, username)
        await server.accounts.change(account.username, **fields)
        await server.tokens.remove_subject(account.username)
        await server.server.audit.record(SYSTEM, Access("account", entities=(account.reference,)))


async def _forget(settings: Settings, data: Data, username: str) -> None:
    async with _server(settings, data) as server:
        account = await _found(server, username)
        await server.second_factor.remove(account.username)
        await server.tokens.remove_subject(account.username)
        access = Access("credentials", entities=(account.reference,))
        await server.server.audit.record(SYSTEM, access)


@asynccontextmanager
async def _server(settings: Settings, data: Data) -> AsyncIterator[FhirServer]:
    from aimed.fhir import open_fhir

    async with reach(settings, data) as reached, open_fhir(reached) as server:
        yield server


async def _found(server: FhirServer, username: str) -> Account:
    account = await server.accounts.find(username)
    if account is None:
        raise StackError(f"There is no account {username}.")
    return account


def _password() -> tuple[str, bool]:
    """The password, and whether we made it up."""
    if sys.stdin.isatty():
        typed: str = typer.prompt("Password (empty: make one up)", default="", hide_input=True)
    else:
        typed = sys.stdin.readline().rstrip("\n")
    if not typed:
        return secrets.token_urlsafe(12), True
    return typed, False
