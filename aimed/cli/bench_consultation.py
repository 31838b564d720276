"""`aimed bench consultation`: how long people wait, with engines whose own speed is declared."""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from aimed.audio_file import read_pcm
from aimed.bench.consultations import LIMITS, Login, as_json, run
from aimed.bench.report import Conditions, show_conditions
from aimed.bench.scripted_notes import MODEL, NoteDelays, note_server
from aimed.bench.scripted_speech import Script, SpeechDelays, speech_server
from aimed.cli.up import say
from aimed.demo.run import Visit
from aimed.embedded import Stack
from aimed.samples import consultation as sample_consultation
from aimed.settings import Settings
from fhir_server.clock import system_clock
from fhir_server.store.connection import connect
from fhir_server.store.statistics import statistics

_PAUSE = 0.5
"""Seconds after the last turn: a microphone is not switched off within a word."""

Together = Annotated[str, typer.Option("--consultations", help="Numbers of consultations at once.")]
Seconds = Annotated[
    float, typer.Option("--seconds", min=10, help="Length of each, to the end of a sentence.")
]
Output = Annotated[Path | None, typer.Option("--json", help="Write all figures to this file.")]


def consultation(
    consultations: Together = "1,4,8", seconds: Seconds = 120.0, output: Output = None
) -> None:
    """Play consultations at once, in real time; print how long people wait for what they see.

    Speech recognition and language model are scripted: they take a declared time and no processor.
    """
    numbers = [int(one) for one in consultations.split(",") if one.strip().isdecimal()]
    if len(numbers) != len(consultations.split(",")) or min(numbers, default=0) < 1:
        raise typer.BadParameter("--consultations takes whole numbers above zero, like 1,4,8.")
    console = Console()
    report = asyncio.run(_measure(numbers, seconds))
    _show(report, console)
    if output is not None:
        output.write_text(json.dumps(report, indent=2) + "\n", "utf-8")
    raise typer.Exit(0 if _good(report) else 1)


async def _measure(numbers: list[int], seconds: float) -> dict[str, Any]:
    settings, load = Settings(), os.getloadavg()[0]
    visit, script = _visit(seconds)
    notes = NoteDelays()
    async with speech_server(script) as speech, note_server(notes) as model:
        with tempfile.TemporaryDirectory(prefix="aimed-bench-") as folder:
            environment = _environment(speech, model)
            stack = Stack(settings, Path(folder), say=say, environment=environment)
            async with stack:
                if stack.first_login is None:
                    raise typer.BadParameter("The database is in use: unset AIMED_MONGO__URI.")
                first = stack.first_login
                login = Login(stack.http_url, first.username, first.password)
                rounds = await run(login, visit, numbers, _begin)
                async with connect(stack.mongo_uri) as client:
                    stored = await statistics(client[settings.mongo.database])
    data = f"{len(visit.pcm) / visit.audio.bytes_per_second:.0f} s of the sample consultation"
    return {
        "conditions": Conditions(system_clock(), stored.server, data, load).as_json(),
        "engines": _engines(script.delays, notes),
        "rounds": as_json(rounds),
    }


def _begin(number: int) -> None:
    say(f"Consultations at once: {number} ...")


def _visit(seconds: float) -> tuple[Visit, Script]:
    sample = sample_consultation.load()
    pcm, _ = read_pcm(sample.audio, sample.format.channels)
    turns = [turn for turn in sample.turns if turn.end <= seconds]
    end = int((turns[-1].end + _PAUSE) * 1000) * sample.format.bytes_per_second // 1000
    visit = Visit(sample.title, sample.chart, pcm[:end], sample.format)
    return visit, Script(pcm, sample.format, turns)


def _environment(speech: str, model: str) -> dict[str, str]:
    """The scripted engines in place of Amazon's and of a model's, and nothing to fall back on."""
    return {
        "AWS_ACCESS_KEY_ID": "scripted",
        "AWS_SECRET_ACCESS_KEY": "scripted",
        "AIMED_ENGINES__TRANSCRIPTION": '["aws"]',
        "AIMED_AWS__REGION": "us-east-1",
        "AIMED_AWS__STREAMING_ENDPOINT": speech,
        "AIMED_ENGINES__NOTE": '["openai"]',
        "AIMED_LLM__BASE_URL": model,
        "AIMED_LLM__MODEL": MODEL,
    }


def _engines(speech: SpeechDelays, notes: NoteDelays) -> dict[str, float]:
    return {
        "partialSeconds": speech.partial,
        "finalSeconds": speech.final,
        "draftLeastSeconds": notes.least,
        "draftMostSeconds": notes.most,
    }


def _show(report: dict[str, Any], console: Console) -> None:
    show_conditions(report["conditions"], console)
    engines = report["engines"]
    console.print(
        f"Scripted engines: partial results after {engines['partialSeconds']} s, final ones after "
        f"{engines['finalSeconds']} s, a draft in {engines['draftLeastSeconds']:.0f} to "
        f"{engines['draftMostSeconds']:.0f} s."
    )
    table = Table("at once", "seconds until", "number", "p50", "p95", "p99", "promise")
    for each in report["rounds"]:
        for name, one in each["seconds"].items():
            times = (f"{one[key]:.2f}" for key in ("p50", "p95", "p99"))
            table.add_row(
                str(each["consultations"]), name, str(one["number"]), *times, _promise(one)
            )
    console.print(table)
    failed = sum(each["failed"] for each in report["rounds"])
    if failed:
        say(f"aimed: {failed} consultations did not end as they should.")


def _promise(one: dict[str, Any]) -> str:
    if one["limit"] is None:
        return ""
    return f"p95 < {one['limit']:.0f} s: {'kept' if one['kept'] else 'NOT KEPT'}"


def _good(report: dict[str, Any]) -> bool:
    return all(
        not each["failed"] and all(each["seconds"][name]["kept"] for name in LIMITS)
        for each in report["rounds"]
    )
