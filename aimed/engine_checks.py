"""Whether each configured engine works, in words for who runs the installation."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from aimed.engines import (
    Circuits,
    Engines,
    make_engines,
    make_recording_transcriber,
    make_recordings_home,
)
from aimed.settings import MissingSetting, Settings
from pipelines.engines.errors import EngineError
from pipelines.engines.meter import Unmetered
from pipelines.engines.probe import hears, writes
from pipelines.engines.usage import Work
from pipelines.ports import RecordingTranscriber

if TYPE_CHECKING:
    from integrations.aws.storage.recordings import S3Recordings

Checked = Work | Literal["recordings"]
_QUICK = {Work.TRANSCRIPTION: "a second of silence", Work.NOTE: "the note of one sentence"}


@dataclass(frozen=True)
class EngineCheck:
    """One engine: whether it works, how long its answer took in seconds, what to do if not."""

    work: Checked
    key: str
    name: str
    works: bool
    seconds: float | None
    text: str


async def check_engines(settings: Settings) -> AsyncIterator[EngineCheck]:
    """Ask each engine of the settings for the smallest piece of work, in their order."""
    policy = settings.engines.policy
    try:
        made = make_engines(settings, Circuits(policy, Unmetered()), Unmetered())
        jobs = make_recording_transcriber(settings)
        home = make_recordings_home(settings)
    except MissingSetting as error:
        yield EngineCheck(Work.TRANSCRIPTION, "-", "-", False, None, str(error))
        return
    async for one in _asked(made, policy.probe_seconds):
        yield one
    if jobs is not None:
        yield await _tried(Work.TRANSCRIPTION, jobs, "bucket and jobs may be used")
    if home is not None:
        told = "the bucket of recordings may be written, read and emptied"
        yield await _tried("recordings", home, told)


async def _asked(engines: Engines, seconds: float) -> AsyncIterator[EngineCheck]:
    for heard in engines.transcriber.order.engines:
        began = time.monotonic()
        try:
            await hears(heard.key, heard.port, seconds)
        except EngineError as error:
            yield _broken(Work.TRANSCRIPTION, heard.key, heard.port.name, error)
        else:
            took = time.monotonic() - began
            yield _works(Work.TRANSCRIPTION, heard.key, heard.port.name, took)
    for wrote in engines.drafter.order.engines:
        began = time.monotonic()
        try:
            await writes(wrote.key, wrote.port, seconds)
        except EngineError as error:
            yield _broken(Work.NOTE, wrote.key, wrote.port.name, error)
        else:
            yield _works(Work.NOTE, wrote.key, wrote.port.name, time.monotonic() - began)


async def _tried(
    work: Checked, of_aws: RecordingTranscriber | S3Recordings, told: str
) -> EngineCheck:
    began = time.monotonic()
    try:
        await of_aws.check()
    except EngineError as error:
        return _broken(work, error.engine, of_aws.name, error)
    took = time.monotonic() - began
    text = f"{told}; asking took {took:.1f} s"
    return EngineCheck(work, "aws", of_aws.name, True, round(took, 3), text)


def _works(work: Work, key: str, name: str, seconds: float) -> EngineCheck:
    text = f"works; {_QUICK[work]} took {seconds:.1f} s"
    return EngineCheck(work, key, name, True, round(seconds, 3), text)


def _broken(work: Checked, key: str, name: str, error: EngineError) -> EngineCheck:
    return EngineCheck(work, key, name, False, None, f"{error.problem} {error.action}")
