"""`aimed up`: the whole stack in one terminal."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import typer

from aimed.cli.mllp import address_line
from aimed.cli.options import Data, Host, Port
from aimed.embedded import Stack
from aimed.embedded.errors import StackError
from aimed.settings import Settings


def up(port: Port = None, data: Data = None, host: Host = None) -> None:
    """Start everything: databases, API, dashboard, HL7 v2, worker and relay. Ctrl-C stops it."""
    settings = Settings()
    if settings.http.tls.certificate is not None:
        raise StackError("`aimed up` serves plain HTTP, for trying out: use `aimed serve` for TLS.")
    asyncio.run(
        _up(
            settings,
            data or settings.data,
            host or settings.http.host,
            settings.http.port if port is None else port,
        )
    )


async def _up(settings: Settings, data: Path, host: str, port: int) -> None:
    stopped = stop_signal()
    stack = Stack(settings, data, host=host, port=port, say=say)
    try:
        if await unless(stopped, stack.start()):
            print_addresses(stack)
            await unless(stopped, stack.failed())
            say("Stopping.")
    finally:
        await stack.stop()


def print_addresses(stack: Stack) -> None:
    """One address a line, and on the first run the login. Other programs read these lines."""
    typer.echo(f"http   {stack.http_url}")
    for one in stack.listeners:
        typer.echo(address_line(one.name, one.host, one.port))
    typer.echo(f"mongo  {_without_password(stack.mongo_uri)}")
    typer.echo(f"redis  {_without_password(stack.redis_uri)}")
    if stack.first_login is not None:
        login = stack.first_login
        typer.echo(f"login  {login.username} {login.password}")
        typer.echo(f"       (shown once; also in {stack.folder.first_login})")
    elif stack.folder.first_login.exists():
        typer.echo(f"login  see {stack.folder.first_login}")
    sys.stdout.flush()


def _without_password(uri: str) -> str:
    scheme, mark, rest = uri.partition("://")
    return scheme + mark + rest.rpartition("@")[2]


def stop_signal() -> asyncio.Event:
    """Set by Ctrl-C, SIGTERM or the terminal closing."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stopped.set)
    return stopped


async def unless(stopped: asyncio.Event, work: Coroutine[Any, Any, None]) -> bool:
    """Do `work` until it ends (True) or the signal comes (False)."""
    doing, waiting = asyncio.create_task(work), asyncio.create_task(stopped.wait())
    await asyncio.wait((doing, waiting), return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if doing.done():
        doing.result()
        return True
    doing.cancel()
    await asyncio.gather(doing, return_exceptions=True)
    return False


def say(sentence: str) -> None:
    """One sentence on standard error."""
    typer.echo(sentence, err=True)
