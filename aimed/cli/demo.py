"""`aimed demo`: start everything and hear a consultation."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from aimed.audio_file import UnreadableAudio, read_pcm
from aimed.cli.options import Data, Port
from aimed.cli.up import print_addresses, say, stop_signal, unless
from aimed.demo.api import Api, DemoError
from aimed.demo.report import passed, show, slow
from aimed.demo.run import Result, Visit, play
from aimed.demo.screen import Screen
from aimed.embedded import Stack
from aimed.first_login import FirstLogin
from aimed.samples import consultation
from aimed.settings import Settings
from pipelines.ports import AudioFormat

Speed = Annotated[
    float, typer.Option("--speed", min=0.1, max=20, help="Play this many times faster.")
]
Exit = Annotated[
    bool, typer.Option("--exit", help="Check the result, print a summary and end; 0 if all held.")
]
Audio = Annotated[
    Path | None,
    typer.Option("--audio", help="Play this recording (WAV, FLAC, Ogg, MP3) instead."),
]

_HURRIED = (
    "       At {speed:g} times the speed, speech recognition on this machine may not keep up. That "
    "does not count against it: --speed 1 shows how long people wait."
)


def demo(
    speed: Speed = 1.0,
    exit: Exit = False,
    audio: Audio = None,
    data: Data = None,
    port: Port = None,
) -> None:
    """Start everything, play a consultation through it, show what came of it, keep serving."""
    settings = Settings()
    try:
        visit = _sample() if audio is None else _recording(audio)
    except UnreadableAudio as error:
        raise typer.BadParameter(str(error), param_hint="--audio") from None
    if port is None:
        port = 0 if exit else settings.http.port
    stack = Stack(settings, data or settings.data, host=settings.http.host, port=port, say=say)
    held = asyncio.run(_demo(stack, visit, speed, exit, Console()))
    raise typer.Exit(0 if held else 1)


async def _demo(stack: Stack, visit: Visit, speed: float, exit: bool, console: Console) -> bool:
    stopped = stop_signal()
    outcome: list[Result] = []

    async def perform() -> None:
        console.print("Starting the databases, the API, the worker and the relay ...")
        await stack.start()
        print_addresses(stack)
        outcome.append(await _play(stack, visit, speed, console))

    try:
        if not await unless(stopped, perform()):
            return True
        show(outcome[0], console)
        if speed > 1 and slow(outcome[0]):
            console.print(_HURRIED.format(speed=speed))
        if not exit:
            console.print(f"\nStill serving at [bold]{stack.http_url}[/bold]; Ctrl-C stops it.")
            await unless(stopped, stack.failed())
    except DemoError as error:
        say(f"aimed: {error}")
        return False
    finally:
        await stack.stop()
    return passed(outcome[0], timed=bool(visit.alerts) and speed <= 1)


async def _play(stack: Stack, visit: Visit, speed: float, console: Console) -> Result:
    login = stack.first_login or _kept_login(stack)
    async with Api(stack.http_url) as api:
        await api.sign_in(login.username, login.password)
        return await play(api, visit, speed=speed, screen=Screen(console))


def _kept_login(stack: Stack) -> FirstLogin:
    try:
        return FirstLogin.load(stack.folder.first_login)
    except (OSError, ValueError):
        raise DemoError(
            f"The first login is no longer in {stack.folder.first_login}: "
            "try a fresh folder with --data."
        ) from None


def _sample() -> Visit:
    sample = consultation.load()
    pcm, _ = read_pcm(sample.audio, sample.format.channels)
    return Visit(
        title=sample.title,
        chart=sample.chart,
        pcm=pcm,
        audio=sample.format,
        reason=sample.title,
        alerts=sample.alerts,
        denied=sample.denied,
    )


def _recording(path: Path) -> Visit:
    pcm, _ = read_pcm(path, 1)
    patient = {
        "resourceType": "Patient",
        "name": [{"text": "Recorded Patient", "family": "Patient", "given": ["Recorded"]}],
    }
    entry = {"resource": patient, "request": {"method": "POST", "url": "Patient"}}
    chart = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
    return Visit(title=path.name, chart=chart, pcm=pcm, audio=AudioFormat())
