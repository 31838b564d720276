"""What the commands for accounts and applications share: a server, the operator, plain errors."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar

import typer

from aimed.cli.options import Data
from aimed.embedded.databases import reach
from aimed.embedded.errors import StackError
from aimed.logging import logging_to_stderr
from aimed.settings import Settings
from fhir_server.auth.smart.errors import OAuthError
from fhir_server.errors import FhirError
from fhir_server.resource import dumps, indent
from fhir_server.server import FhirServer

_T = TypeVar("_T")
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


def with_server(data: Data, work: Callable[[FhirServer], Awaitable[_T]]) -> _T:
    """What `work` answers on the server of the settings. Its refusals become `StackError`."""
    try:
        with logging_to_stderr():
            return asyncio.run(_opened(Settings(), data, work))
    except OAuthError as error:
        raise StackError(error.description) from None
    except FhirError as error:
        raise StackError(str(error)) from None


def print_json(told: Any) -> None:
    """Print it for programs and people."""
    typer.echo(indent(dumps(told)).decode())


async def _opened(
    settings: Settings, data: Data, work: Callable[[FhirServer], Awaitable[_T]]
) -> _T:
    from aimed.fhir import open_fhir

    async with reach(settings, data) as reached, open_fhir(reached) as server:
        return await work(server)
