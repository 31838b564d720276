"""Settings of an account on this machine, and noise in which something is said."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from fhir_server.clock import random_id
from integrations.aws.credentials import AwsAccess
from integrations.aws.settings import AwsSettings
from integrations.aws.transcribe.session import TranscribeSession
from integrations.aws.transcribe.transcriber import TranscribeTranscriber
from pipelines.ports import AudioFormat, Role, TranscriptFinal, TranscriptPartial
from tests.stand_ins.recognition import RATE, Said
from tests.stand_ins.transcribe import KEY, REGION

TWO = AudioFormat(2, (Role.DOCTOR, Role.PATIENT))
ONE = AudioFormat(1)
FAST: dict[str, Any] = {"pace": 50.0, "reconnect_seconds": 0.01, "idle_seconds": 0.2}


def noise(seconds: float, channels: int, seed: int = 1) -> bytes:
    """Audio of which no two moments are alike."""
    values = np.random.default_rng(seed).integers(-3000, 3000, int(seconds * RATE) * channels)
    return values.astype("<i2").tobytes()


def credentials(monkeypatch: pytest.MonkeyPatch, **other: str) -> None:
    """The keys of the stand-in in the environment, where AWS tools look first."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", other.get("id", KEY.id))
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", other.get("secret", KEY.secret))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)


def settings(url: str | None, *, limits: dict[str, Any] | None = None, **more: Any) -> AwsSettings:
    top = {name: more.pop(name) for name in ("authorities", "region") if name in more}
    return AwsSettings.model_validate(
        {
            "region": REGION,
            "streaming_endpoint": url,
            **top,
            "transcribe": {"limits": {**FAST, **(limits or {})}, **more},
        }
    )


def transcriber(made: AwsSettings) -> TranscribeTranscriber:
    return TranscribeTranscriber(made, AwsAccess(made), ids=random_id)


Results = list[TranscriptPartial | TranscriptFinal]


async def play(session: TranscribeSession, pcm: bytes, *, step: int = 6400) -> Results:
    """Feed everything and collect everything; what `results` raises is raised."""

    async def feed() -> None:
        for at in range(0, len(pcm), step):
            await session.feed(pcm[at : at + step])
        await session.finish()

    found: Results = []
    feeding = asyncio.create_task(feed())
    try:
        async for result in session.results():
            found.append(result)
        await feeding
    finally:
        await session.aclose()
        await feeding
    return found


def finals(results: Results) -> list[TranscriptFinal]:
    return [one for one in results if isinstance(one, TranscriptFinal)]


def texts(results: Results) -> list[str]:
    return [one.text for one in finals(results)]


TURNS: Sequence[Said] = (
    Said(0, 0.5, 1.5, "Good morning, how are you?"),
    Said(1, 1.8, 3.0, "My chest hurts."),
    Said(0, 2.6, 4.0, "Since when does it hurt?"),
    Said(1, 4.5, 5.5, "Since Monday."),
)
