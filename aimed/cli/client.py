"""`aimed client`: the apps and systems that may ask for tokens (OAuth clients)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from aimed.cli.administering import Json, print_json, with_server
from aimed.cli.options import Data
from fhir_server.administration.acts import OPERATOR, Act
from fhir_server.administration.applications import CEILING, Applications
from fhir_server.auth.smart.clients.client import Client
from fhir_server.auth.smart.clients.metadata import describe, read_metadata
from fhir_server.auth.smart.clients.registration import Registered
from fhir_server.clock import instant
from fhir_server.resource import loads
from fhir_server.rest.admin import answers
from fhir_server.server import FhirServer
from fhir_server.store.smart.invitations import Invitation
from fhir_server.store.smart.keys import SigningKeyStore, StoredKey

OWNER = "operator"
_T = TypeVar("_T")
_Work = Callable[[Applications], Awaitable[_T]]
Id = Annotated[str, typer.Argument(help="The client's id.")]
Scope = Annotated[
    str | None, typer.Option(help="The most it may ever get, as 'openid patient/*.rs'.")
]


def make_client() -> typer.Typer:
    """The subcommands."""
    client = typer.Typer(help="Register apps and look after them.", no_args_is_help=True)
    for name, command in (
        ("add", add),
        ("invite", invite),
        ("invitations", invitations),
        ("withdraw", withdraw),
        ("list", list_all),
        ("show", show),
        ("approve", approve),
        ("scope", set_scope),
        ("disable", disable),
        ("rotate-secret", rotate_secret),
        ("remove", remove),
        ("signing-keys", signing_keys),
    ):
        client.command(name)(command)
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

    async def work(server: FhirServer) -> Registered:
        metadata = read_metadata(sent, CEILING)
        registration = server.smart.registration
        made = await registration.add(metadata, owner=OWNER, approved=True, id=client_id)
        act = Act("clients/add", "registration", details=(("client", made.client.id),))
        await server.administration.acts.note(OPERATOR, act)
        return made

    added = with_server(data, work)
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
    scopes = tuple(scope.split()) if scope else CEILING
    token, _ = _run(data, lambda it: it.invite(OPERATOR, owner, scopes, days))
    typer.echo(token)


def invitations(data: Data = None, json: Json = False) -> None:
    """Print id, end, owner and scopes of the invitations that can still be used."""

    async def work(applications: Applications) -> list[Invitation]:
        return await applications.invitations()

    told = [answers.invitation(one) for one in _run(data, work)]
    if json:
        print_json(told)
        return
    for one in told:
        typer.echo(f"{one['id']}  {one['expires']}  {one['owner']}  {one['scope']}")


def withdraw(
    invitation: Annotated[str, typer.Argument(help="The invitation's id, as listed.")],
    data: Data = None,
) -> None:
    """Make an invitation useless."""
    _run(data, lambda it: it.withdraw(OPERATOR, invitation))


def list_all(data: Data = None, json: Json = False) -> None:
    """Print id, status, method and name of every client."""
    found = _run(data, lambda it: it.all())
    if json:
        print_json([answers.client(one) for one in found])
        return
    for client in found:
        typer.echo(f"{client.id}  {client.status:8}  {client.method:19}  {client.name}")


def show(client_id: Id, data: Data = None) -> None:
    """Print a client as RFC 7591 JSON."""
    _print(_run(data, lambda it: it.find(client_id)))


def approve(client_id: Id, scope: Scope = None, data: Data = None) -> None:
    """Let a pending or disabled client ask for tokens, with fewer scopes if you say so."""
    scopes = tuple(scope.split()) if scope else None
    _print(_run(data, lambda it: it.approve(OPERATOR, client_id, scopes)))


def set_scope(
    client_id: Id,
    scope: Annotated[str, typer.Argument(help="Scopes with a space between them, quoted.")],
    data: Data = None,
) -> None:
    """Set the most that a client may ever get. When that is less, its tokens end."""
    scopes = tuple(scope.split())
    _print(_run(data, lambda it: it.set_scopes(OPERATOR, client_id, scopes)))


def disable(client_id: Id, data: Data = None) -> None:
    """Take a client's tokens away and keep it from getting any more."""
    _print(_run(data, lambda it: it.disable(OPERATOR, client_id)))


def rotate_secret(
    client_id: Id,
    overlap: Annotated[
        int, typer.Option(min=0, help="Hours for which the old secret stays valid.")
    ] = 168,
    data: Data = None,
) -> None:
    """Print a new secret."""
    typer.echo(_run(data, lambda it: it.rotate_secret(OPERATOR, client_id, overlap)))


def remove(client_id: Id, data: Data = None) -> None:
    """Forget a client."""
    _run(data, lambda it: it.remove(OPERATOR, client_id))


def signing_keys(
    rotate: Annotated[
        bool, typer.Option("--rotate", help="Publish a new key now; it signs an hour later.")
    ] = False,
    data: Data = None,
) -> None:
    """Print the keys that id_tokens for clients are signed with: kid, and since when."""

    async def work(server: FhirServer) -> list[StoredKey]:
        if rotate:
            await server.smart.keys.rotate()
        return await SigningKeyStore(server.server.store.database).all()

    for key in with_server(data, work):
        typer.echo(f"{key.kid}  signs from {instant(key.active)}")


def _run(data: Data, work: _Work[_T]) -> _T:
    return with_server(data, lambda server: work(server.administration.applications))


def _print(client: Client) -> None:
    print_json(describe(client))
