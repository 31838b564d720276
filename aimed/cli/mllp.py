"""`aimed mllp`: receives HL7 v2 over MLLP, processes it, and sends to the destinations."""

from __future__ import annotations

import asyncio
import signal
import sys
from typing import Annotated

import typer

from aimed.embedded.errors import StackError
from aimed.logging import configure_logging
from aimed.seldom_collected import seldom_collected
from aimed.settings import Settings

ReceiveOnly = Annotated[
    bool,
    typer.Option(
        "--receive-only", help="Store and acknowledge; another `aimed mllp` converts and sends."
    ),
]


def mllp(receive_only: ReceiveOnly = False) -> None:
    """Receive HL7 v2 messages on the listeners of AIMED_HL7V2__LISTENERS, and process them.

    Send to the destinations of AIMED_HL7V2__OUTBOUND__DESTINATIONS.
    Several may run on one database; one of them processes, and one sends to each destination.
    """
    settings = Settings()
    configure_logging(settings.log_format)
    asyncio.run(_mllp(settings, receive_only=receive_only))


async def _mllp(settings: Settings, *, receive_only: bool) -> None:
    from contextlib import nullcontext

    from aimed.conversion_workers import attempting
    from aimed.fhir import open_fhir
    from aimed.hl7v2 import open_hl7v2
    from aimed.hl7v2_outbound import return_path, sending
    from fhir_server.clock import system_clock
    from integrations.hl7v2.mllp import MllpServer
    from integrations.hl7v2.mllp.recording import recorder

    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with (
        open_fhir(settings) as fhir,
        nullcontext() if receive_only else attempting(settings, fhir) as trying,
        open_hl7v2(
            fhir.server.store.database,
            settings.hl7v2,
            trying,
            path=return_path(settings, fhir),
        ) as intake,
        nullcontext() if receive_only else sending(settings, fhir),
    ):
        server = MllpServer(
            intake, settings.hl7v2, record=recorder(fhir.server.audit), clock=system_clock
        )
        try:
            await server.start()
        except OSError as error:
            reason = getattr(error, "reason", None) or error.strerror or type(error).__name__
            raise StackError(
                f"A listener of AIMED_HL7V2__LISTENERS cannot be opened: {reason}."
            ) from None
        try:
            for name, host, port in server.addresses:
                typer.echo(address_line(name, host, port))
            sys.stdout.flush()
            with seldom_collected():
                await stopped.wait()
        finally:
            await server.stop()


def address_line(name: str, host: str, port: int) -> str:
    """How a listener's address is printed. Other programs read these lines."""
    shown = f"[{host}]" if ":" in host else host
    return f"mllp   {shown}:{port}" + ("" if name == "default" else f"  {name}")
