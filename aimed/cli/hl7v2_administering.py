"""What the commands for HL7 v2 share: the administration on a server, and tables."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from rich.console import Console
from rich.table import Table

from aimed.cli.administering import with_server
from aimed.cli.options import Data
from aimed.settings import Settings
from fhir_server.clock import system_clock
from fhir_server.server import FhirServer
from integrations.hl7v2.administration import Hl7v2Administration
from integrations.hl7v2.outbound.administration import OutboundAdministration

_T = TypeVar("_T")


def administered(data: Data, work: Callable[[Hl7v2Administration], Awaitable[_T]]) -> _T:
    """What `work` answers. Its refusals become `StackError`."""

    async def on_server(fhir: FhirServer) -> _T:
        from contextlib import aclosing

        from aimed.hl7v2_converter import mapping
        from integrations.hl7v2.structure.pool import CheckingPool

        settings = Settings().hl7v2
        known = await mapping(settings)
        async with aclosing(CheckingPool(settings.structure)) as checking:
            return await work(
                Hl7v2Administration(fhir, settings, known, checking, clock=system_clock)
            )

    return with_server(data, on_server)


def steered(data: Data, work: Callable[[OutboundAdministration, FhirServer], Awaitable[_T]]) -> _T:
    """The same for what is sent."""

    async def on_server(fhir: FhirServer) -> _T:
        destinations = Settings().hl7v2.outbound.destinations
        database = fhir.server.store.database
        return await work(OutboundAdministration(database, destinations, clock=system_clock), fhir)

    return with_server(data, on_server)


def print_table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table for people."""
    table = Table(title=title)
    for name in head:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*row)
    Console().print(table)
