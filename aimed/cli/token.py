"""`aimed token`: a bearer token for whoever administers the machine.

It is that of an application without a person: no role, and nothing that its scopes do not say. Who
can run this has the database and its keys; what it is used for is in the audit trail.
"""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from aimed.cli.options import Data
from aimed.embedded.databases import reach
from aimed.settings import Settings

_SUBJECT = "administrator"


def token(
    scope: Annotated[str, typer.Option(help="SMART scopes, as in 'system/*.cruds'.")],
    data: Data = None,
    seconds: Annotated[int, typer.Option(min=1, help="How long it is valid.")] = 3600,
) -> None:
    """Print an access token, issued by the same code as any client's."""
    typer.echo(asyncio.run(_token(Settings(), data, scope, seconds)))


async def _token(settings: Settings, data: Data, scope: str, seconds: int) -> str:
    from aimed.fhir import open_fhir
    from fhir_server.store.accounts import Account

    # No password: nobody signs in as this; the data folder's owner may do everything anyway.
    holder = Account(
        username=_SUBJECT,
        password_hash="",
        reference="Device/aimed-administrator",
        display="Administrator's command line",
        roles=(),
        scope=scope,
    )
    async with reach(settings, data) as reached, open_fhir(reached) as server:
        issued = await server.authenticator.issue(holder, scope=scope, lifetime=seconds)
    return issued.access_token
