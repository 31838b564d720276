"""`aimed client`: the apps and systems that may ask for tokens (OAuth clients)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import typer

from aimed.cli.options import Data
from aimed.embedded.databases import reach
from aimed.embedded.errors import StackError
from aimed.fhir import new_secret
from aimed.settings import Settings
from fhir_server.auth.smart.clients.client import Client, ClientStore
from fhir_server.auth.smart.clients.credentials import with_secret
from fhir_server.auth.smart.clients.metadata import describe, read_metadata
from fhir_server.auth.smart.clients.registration import Registered, Registration
from fhir_server.auth.smart.clients.scope_ceiling import limited
from fhir_server.auth.smart.errors import OAuthError
from fhir_server.clock import random_id, system_clock
from fhir_server.resource import dumps, indent, loads
from fhir_server.store.connection import connect
from fhir_server.store.smart.grants import GrantStore
from fhir_server.store.smart.invitations import InvitationStore

OWNER = "operator"
CEILING = (
    "openid", "fhirUser", "profile", "launch", "launch/patient", "launch/encounter",
    "online_access", "offline_access", "patient/*.cruds", "user/*.cruds", "system/*.cruds",
)  # fmt: skip
"""What an operator may give a client: everything."""

_T = TypeVar("_T")
_Work = Callable[[ClientStore, Registration], Awaitable[_T]]
Id = Annotated[str, typer.Argument(help="The client's id.")]
Scope = Annotated[
    str | None, typer.Option(help="The most it may ever get, as 'openid patient/*.rs'.")
]


def make_client() -> typer.Typer:
    """The subcommands."""
    client = typer.Typer(help="Register apps and look after them.", no_args_is_help=True)
    client.command("add")(add)
    client.command("invite")(invite)
    client.command("list")(list_all)
    client.command("show")(show)
    client.command("approve")(approve)
    client.command("disable")(disable)
    client.command("rotate-secret")(rotate_secret)
    client.command("remove")(remove)
    return client


def add(
    name: Annotated[str, typer.Argument(help="What people are asked to trust.")],
    scope: Annotated[str, typer.Option(help="The most it may ever get.")],
    redirect: Annotated[
        list[str] | None, typer.Option(help="Redirect URI; may be given more than once.")
    ] = None,
    method: Annotated[
        str,
        typer.Option(help="none, client_secret_basic, client_secret_post or private_key_jwt."),
    ] = "none",
    launch_url: Annotated[str | None, typer.Option(help="Where an EHR launch opens it.")] = None,
    jwks: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="File with its public keys.")
    ] = None,
    jwks_uri: Annotated[str | None, typer.Option(help="Address of its public keys.")] = None,
    client_id: Annotated[str | None, typer.Option("--id", help="Its id, instead of ours.")] = None,
    data: Data = None,
) -> None:
    """Register a client. One without a redirect URI is a backend service."""
    sent: dict[str, Any] = {
        "client_name": name,
        "scope": scope,
        "token_endpoint_auth_method": method,
        "grant_types": ["authorization_code", "refresh_token"]
        if redirect
        else ["client_credentials"],
        "redirect_uris": redirect or [],
    }
    sent |= {"launch_url": launch_url} if launch_url else {}
    sent |= {"jwks": loads(jwks.read_bytes())} if jwks else {}
    sent |= {"jwks_uri": jwks_uri} if jwks_uri else {}

    async def work(clients: ClientStore, registration: Registration) -> Registered:
        metadata = read_metadata(sent, CEILING)
        return await registration.add(metadata, owner=OWNER, approved=True, id=client_id)

    added = _run(data, work)
    _print(added.client)
    if added.secret:
        typer.echo(f"Secret, shown this once: {added.secret}")


def invite(
    owner: Annotated[str, typer.Argument(help="Who answers for the client.")],
    scope: Scope = None,
    days: Annotated[int, typer.Option(min=1, help="How long the invitation holds.")] = 7,
    data: Data = None,
) -> None:
    """Print an invitation for one registration at /auth/register (an initial access token)."""
    scopes = tuple(scope.split()) if scope else None

    async def work(clients: ClientStore, registration: Registration) -> str:
        return await registration.invite(owner, scopes=scopes, days=days)

    typer.echo(_run(data, work))


def list_all(data: Data = None) -> None:
    """Print id, status, method and name of every client."""

    async def work(clients: ClientStore, registration: Registration) -> list[Client]:
        return await clients.all()

    for client in _run(data, work):
        typer.echo(f"{client.id}  {client.status:8}  {client.method:19}  {client.name}")


def show(client_id: Id, data: Data = None) -> None:
    """Print a client as RFC 7591 JSON."""
    _print(_run(data, lambda clients, _: _found(clients, client_id)))


def approve(client_id: Id, scope: Scope = None, data: Data = None) -> None:
    """Let a pending or disabled client ask for tokens, with fewer scopes if you say so."""
    _set_status(client_id, data, "active", scope)


def disable(client_id: Id, data: Data = None) -> None:
    """Keep a client from getting any more tokens."""
    _set_status(client_id, data, "disabled", None)


def rotate_secret(
    client_id: Id,
    overlap: Annotated[
        int, typer.Option(min=0, help="Hours for which the old secret stays valid.")
    ] = 168,
    data: Data = None,
) -> None:
    """Print a new secret."""
    secret = new_secret()

    async def work(clients: ClientStore, registration: Registration) -> None:
        client = await _found(clients, client_id)
        if not client.method.startswith("client_secret"):
            raise StackError("This client does not authenticate with a secret.")
        hours = timedelta(hours=overlap)
        await clients.replace(with_secret(client, secret, system_clock(), overlap=hours))

    _run(data, work)
    typer.echo(secret)


def remove(client_id: Id, data: Data = None) -> None:
    """Forget a client."""

    async def work(clients: ClientStore, registration: Registration) -> None:
        if not await clients.remove(client_id):
            raise StackError(f"There is no client {client_id}.")
        await registration.end(client_id)

    _run(data, work)


def _run(data: Data, work: _Work[_T]) -> _T:
    try:
        return asyncio.run(_with_stores(Settings(), data, work))
    except OAuthError as error:
        raise StackError(error.description) from None


async def _with_stores(settings: Settings, data: Data, work: _Work[_T]) -> _T:
    async with reach(settings, data) as reached, connect(reached.mongo_uri) as client:
        database = client[reached.mongo.database]
        clients = ClientStore(database)
        registration = Registration(
            clients,
            InvitationStore(database),
            clock=system_clock,
            ids=random_id,
            secret=new_secret,
            ceiling=CEILING,
            ended=GrantStore(database).end_client,
        )
        return await work(clients, registration)


def _set_status(
    client_id: str, data: Data, status: Literal["active", "disabled"], scope: str | None
) -> None:
    async def work(clients: ClientStore, registration: Registration) -> Client:
        client = await _found(clients, client_id)
        scopes = tuple(scope.split()) if scope else client.scopes
        if limited(scopes, client.scopes) != scopes:
            raise StackError("It asked for less than that.")
        if status == "disabled":
            await registration.end(client_id)
        return await clients.replace(replace(client, status=status, scopes=scopes))

    _print(_run(data, work))


async def _found(clients: ClientStore, client_id: str) -> Client:
    client = await clients.find(client_id)
    if client is None:
        raise StackError(f"There is no client {client_id}.")
    return client


def _print(client: Client) -> None:
    typer.echo(indent(dumps(describe(client))).decode())
