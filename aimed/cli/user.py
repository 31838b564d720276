"""`aimed user`: accounts of people."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import typer

from aimed.cli.administering import Json, print_json, with_server
from aimed.cli.options import Data
from aimed.embedded.errors import StackError
from aimed.settings import Settings
from fhir_server.administration.acts import OPERATOR, Act
from fhir_server.administration.people import NewPerson
from fhir_server.auth.identity.mail import email_address
from fhir_server.clock import instant
from fhir_server.rest.admin import answers
from fhir_server.server import FhirServer
from fhir_server.store.accounts import Account, Wanted

Username = Annotated[str, typer.Argument(help="Name to sign in with.")]
Base = Annotated[
    str | None,
    typer.Option(help="Address that people reach this server by. [default: where it listens]"),
]
_PAGE = 200


def make_user() -> typer.Typer:
    """The subcommands."""
    user = typer.Typer(
        help="Add people, change their passwords and roles, keep them out.", no_args_is_help=True
    )
    for name, command in (
        ("list", list_all),
        ("show", show),
        ("add", add),
        ("roles", set_roles),
        ("disable", disable),
        ("enable", enable),
        ("unlock", unlock),
        ("password", password),
        ("require-password-change", require_password_change),
        ("password-link", password_link),
        ("email", set_email),
        ("link", link),
        ("unlink", unlink),
        ("forget-second-factor", forget_second_factor),
        ("sessions", sessions),
        ("end-sessions", end_sessions),
    ):
        user.command(name)(command)
    return user


def list_all(
    text: Annotated[str, typer.Argument(help="Part of a name or an e-mail address.")] = "",
    role: Annotated[str, typer.Option(help="Only people with this role.")] = "",
    data: Data = None,
    json: Json = False,
) -> None:
    """Print name, status, roles and full name of everybody, or of who is looked for."""

    async def work(server: FhirServer) -> list[Account]:
        found: list[Account] = []
        while True:
            after = found[-1].username if found else ""
            page = await server.accounts.search(Wanted(text, role), after=after, count=_PAGE)
            found += page
            if len(page) < _PAGE:
                return found

    accounts = with_server(data, work)
    if json:
        print_json([answers.user(one) for one in accounts])
        return
    for account in accounts:
        status = "disabled" if account.disabled else "active"
        roles = ",".join(account.roles)
        mail = f"  <{account.email}>" if account.email else ""
        typer.echo(f"{account.username}  {status:8}  {roles}  {account.display}{mail}")


def show(username: Username, data: Data = None, json: Json = False) -> None:
    """Print an account: roles, last sign-in, second factor, failed sign-ins."""

    async def work(server: FhirServer) -> dict[str, Any]:
        account = await server.administration.people.find(username)
        credentials = server.administration.credentials
        return {
            **answers.user(account),
            "second_factor": await credentials.has_second_factor(account.username),
            "lock": answers.lock(await credentials.lock_state(account.username)),
        }

    told = with_server(data, work)
    if json:
        print_json(told)
        return
    for name, value in told.items():
        typer.echo(f"{name.replace('_', ' ')}: {_plain(value)}")


def add(
    username: Username,
    display: Annotated[str, typer.Option(help="The person's name, as notes are signed.")],
    role: Annotated[
        list[str] | None,
        typer.Option(help="A role; may be given more than once. [default: clinician]"),
    ] = None,
    email: Annotated[str, typer.Option(help="E-mail address.")] = "",
    person: Annotated[
        str, typer.Option(help="Practitioner/id or Patient/id, if there is one already.")
    ] = "",
    by_link: Annotated[
        bool, typer.Option("--link", help="Print a link to set the password, instead of one.")
    ] = False,
    base: Base = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Add somebody. The password is read from standard input, or made up and printed."""
    chosen, made_up = ("", False) if by_link else _password()

    async def work(server: FhirServer) -> tuple[Account, str]:
        address = email_address(email) if email.strip() else ""
        new = NewPerson(username, display, tuple(role or ["clinician"]), address, person)
        administration, hash = server.administration, ""
        if chosen:
            hash = await administration.credentials.checked(
                chosen, about=(username, display, email)
            )
        account = await administration.people.create(OPERATOR, new, hash)
        return account, await _link(server, account.username, base) if by_link else ""

    account, url = with_server(data, work)
    told = {"password": chosen if made_up else "", "link": url}
    if json:
        shown = {name: value for name, value in told.items() if value}
        print_json({**answers.user(account), **shown})
        return
    typer.echo(f"Added {account.username}." + (f" Password: {chosen}" if made_up else ""))
    if url:
        typer.echo(url)


def set_roles(
    username: Username,
    names: Annotated[list[str], typer.Argument(help="Roles, of those in the policy table.")],
    data: Data = None,
) -> None:
    """Give a person exactly these roles and end their sessions."""
    roles = tuple(dict.fromkeys(names))
    _do(data, lambda it: it.administration.people.set_roles(OPERATOR, username, roles), "Changed.")


def disable(username: Username, data: Data = None) -> None:
    """Keep a person out, at once. The account stays, for the audit trail."""
    _do(data, lambda it: it.administration.people.disable(OPERATOR, username), "Disabled.")


def enable(username: Username, data: Data = None) -> None:
    """Let a disabled person sign in again."""
    _do(data, lambda it: it.administration.people.enable(OPERATOR, username), "Enabled.")


def unlock(username: Username, data: Data = None) -> None:
    """Forget failed sign-ins, so that the next try counts at once."""
    _do(data, lambda it: it.administration.credentials.unlock(OPERATOR, username), "Unlocked.")


def password(username: Username, data: Data = None) -> None:
    """Change a password and end the person's sessions."""
    chosen, made_up = _password()

    async def work(server: FhirServer) -> None:
        await server.administration.credentials.set_password(OPERATOR, username, chosen)
        account = await server.administration.people.find(username)
        await server.notices.order(account, "password_changed")

    _do(data, work, "Changed." + (f" Password: {chosen}" if made_up else ""))


def require_password_change(username: Username, data: Data = None) -> None:
    """Have a person set another password at the next sign-in, and end the sessions."""
    _do(
        data,
        lambda it: it.administration.credentials.require_change(OPERATOR, username),
        "Another password has to be set.",
    )


def password_link(username: Username, base: Base = None, data: Data = None) -> None:
    """Print a link by which a person sets a password once."""
    typer.echo(with_server(data, lambda server: _link(server, username, base)))


def forget_second_factor(username: Username, data: Data = None) -> None:
    """Remove somebody's second factors, when phone, passkeys and recovery codes are lost."""

    async def work(server: FhirServer) -> None:
        acting = server.administration.credentials
        account = await acting.remove_second_factor(OPERATOR, username)
        await server.notices.order(account, "second_step_removed")

    _do(data, work, "Removed.")


def sessions(username: Username, data: Data = None, json: Json = False) -> None:
    """Print where a person is signed in: id, last use, address, browser or application."""

    async def work(server: FhirServer) -> list[dict[str, Any]]:
        found = await server.administration.sessions.of(username)
        return [answers.session(one, current="") for one in found]

    found = with_server(data, work)
    if json:
        print_json(found)
        return
    for one in found:
        where = one["client"] or one["agent"]
        typer.echo(f"{one['id']}  {one['last_used']}  {one['address']}  {where}".rstrip())


def end_sessions(
    username: Username,
    session: Annotated[str, typer.Argument(help="One session's id; without it all end.")] = "",
    data: Data = None,
) -> None:
    """End a person's sessions, and with all of them what applications may do in their name."""

    async def work(server: FhirServer) -> None:
        ending = server.administration.sessions
        if session:
            await ending.end(OPERATOR, username, session)
        else:
            await ending.end_all(OPERATOR, username)

    _do(data, work, "Ended.")


def set_email(
    username: Username,
    address: Annotated[str, typer.Argument(help="Where mail about the account goes; '' for none.")],
    data: Data = None,
) -> None:
    """Give a person another e-mail address; the old one gets a mail about it."""

    async def work(server: FhirServer) -> None:
        account = await server.administration.people.find(username)
        new = email_address(address) if address.strip() else ""
        await server.accounts.change(account.username, email=new)
        await server.notices.order(account, "address_changed")
        await _noted(server, account, "users/email")

    _do(data, work, "Changed.")


def link(
    username: Username,
    person: Annotated[str, typer.Argument(help="What the provider calls the person: its sub.")],
    data: Data = None,
) -> None:
    """Let somebody sign in by the OpenID provider of the settings."""

    async def work(server: FhirServer) -> None:
        account = await server.administration.people.find(username)
        await server.provider.link_to(account, person)
        await _noted(server, account, "users/link")

    _do(data, work, "Linked.")


def unlink(username: Username, data: Data = None) -> None:
    """Forget somebody's links to an OpenID provider, and end their sessions."""

    async def work(server: FhirServer) -> None:
        account = await server.administration.people.find(username)
        if not await server.provider.unlink(account):
            raise StackError(f"{account.username} is not linked.")
        await server.tokens.remove_subject(account.username)
        await _noted(server, account, "users/unlink")

    _do(data, work, "Unlinked.")


async def _noted(server: FhirServer, account: Account, name: str) -> None:
    details = (("username", account.username),)
    act = Act(name, "credentials", (account.reference,), details)
    await server.administration.acts.note(OPERATOR, act)


def _do(data: Data, work: Callable[[FhirServer], Awaitable[object]], said: str) -> None:
    with_server(data, work)
    typer.echo(said)


async def _link(server: FhirServer, username: str, base: str | None) -> str:
    made = await server.administration.credentials.link(OPERATOR, username)
    http = Settings().http
    origin = (base or f"http://{http.host}:{http.port}").rstrip("/")
    return f"{origin}/set-password#{made.token}  until {instant(made.expires)}"


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_plain(one)}" for name, one in value.items())
    if isinstance(value, list):
        return ", ".join(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None or value == "" else str(value)


def _password() -> tuple[str, bool]:
    """The password, and whether we made it up."""
    if sys.stdin.isatty():
        typed: str = typer.prompt("Password (empty: make one up)", default="", hide_input=True)
    else:
        typed = sys.stdin.readline().rstrip("\n")
    if not typed:
        return secrets.token_urlsafe(12), True
    return typed, False
