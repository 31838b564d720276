"""Whether an engine works, by the smallest piece of real work."""

from __future__ import annotations

import asyncio

from pipelines.engines.errors import EngineLimit
from pipelines.engines.policy import as_engine_error
from pipelines.ports import (
    AudioFormat,
    Chart,
    NoteDrafter,
    Role,
    Segment,
    Transcriber,
    TranscriptionSession,
)

_SAID = "I have had a cough for three days."


async def hears(key: str, transcriber: Transcriber, seconds: float) -> None:
    """Let a transcriber hear a second of silence. Raises `EngineError`."""
    audio = AudioFormat()
    try:
        async with asyncio.timeout(seconds):
            session = transcriber.open(audio)
            try:
                await _hear(session, bytes(audio.bytes_per_second))
            finally:
                await session.aclose()
    except Exception as error:
        raise as_engine_error(key, error) from error


async def _hear(session: TranscriptionSession, pcm: bytes) -> None:
    async with asyncio.TaskGroup() as tasks:
        feeding = tasks.create_task(_feed(session, pcm))
        async for _ in session.results():
            pass
        # A session may end its results before it has taken all.
        feeding.cancel()


async def _feed(session: TranscriptionSession, pcm: bytes) -> None:
    await session.feed(pcm)
    await session.finish()


async def writes(key: str, drafter: NoteDrafter, seconds: float) -> None:
    """Let a drafter write the note of one made-up sentence. Raises `EngineError`."""
    said = Segment("s1", 0, Role.PATIENT, 0.0, 2.0, _SAID, 1.0)
    try:
        async with asyncio.timeout(seconds):
            await drafter.draft([said], Chart())
    except EngineLimit:
        raise
    except Exception as error:
        raise as_engine_error(key, error) from error
