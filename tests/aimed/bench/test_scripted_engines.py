"""The engines that the benchmark of consultations brings along, asked by the product's clients."""

from __future__ import annotations

import asyncio
from random import Random

import pytest

from aimed.bench.consultations import LIMITS, Waited
from aimed.bench.scripted_notes import MODEL, NoteDelays, note_server
from aimed.bench.scripted_speech import Script, SpeechDelays, speech_server
from aimed.samples.consultation import Turn
from fhir_server.clock import random_id
from integrations.aws.credentials import AwsAccess
from integrations.aws.settings import AwsSettings
from integrations.aws.transcribe.settings import StreamLimits, TranscribeSettings
from integrations.aws.transcribe.transcriber import TranscribeTranscriber
from integrations.llm.drafter import LlmDrafter
from integrations.llm.settings import LlmSettings
from pipelines.ports import (
    AudioFormat,
    Chart,
    Role,
    Segment,
    TranscriptFinal,
    TranscriptPartial,
)

AUDIO = AudioFormat(2, (Role.DOCTOR, Role.PATIENT))
TURNS = (
    Turn(Role.DOCTOR, "Good morning to you.", 0.2, 1.2),
    Turn(Role.PATIENT, "I have a cough.", 1.5, 2.5),
)
DELAYS = SpeechDelays(partial=0.05, final=0.15)


@pytest.fixture
def transcribe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "scripted")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "scripted")


def sound() -> bytes:
    """Three seconds of which no two pieces are alike."""
    return Random(1).randbytes(3 * AUDIO.bytes_per_second)


async def heard(url: str, pcm: bytes, offset: float) -> list[TranscriptPartial | TranscriptFinal]:
    settings = AwsSettings(
        region="us-east-1",
        streaming_endpoint=url,
        transcribe=TranscribeSettings(limits=StreamLimits(pace=20)),
    )
    transcriber = TranscribeTranscriber(
        settings, AwsAccess(settings), ids=random_id, clock=asyncio.get_running_loop().time
    )
    session = transcriber.open(AUDIO, offset=offset)
    await session.feed(pcm)
    await session.finish()
    return [result async for result in session.results()]


@pytest.mark.usefixtures("transcribe")
async def test_speech_is_heard_word_by_word() -> None:
    pcm = sound()
    async with speech_server(Script(pcm, AUDIO, TURNS, DELAYS)) as url:
        results = await heard(url, pcm, 0.0)
    finals = [one for one in results if isinstance(one, TranscriptFinal)]
    partials = [one for one in results if isinstance(one, TranscriptPartial)]
    assert [(one.channel, one.text) for one in finals] == [(0, TURNS[0].text), (1, TURNS[1].text)]
    assert [round(one.end, 2) for one in finals] == [1.2, 2.5]
    assert partials[0].text.startswith("Good")


@pytest.mark.usefixtures("transcribe")
async def test_a_later_stream_hears_what_is_left() -> None:
    pcm = sound()
    rest = pcm[int(1.3 * AUDIO.bytes_per_second) :]
    async with speech_server(Script(pcm, AUDIO, TURNS, DELAYS)) as url:
        results = await heard(url, rest, 1.3)
    finals = [one for one in results if isinstance(one, TranscriptFinal)]
    assert [(one.text, round(one.start, 2)) for one in finals] == [(TURNS[1].text, 1.5)]


async def test_the_model_takes_its_time_and_quotes() -> None:
    said = [Segment("s1", 1, Role.PATIENT, 0.0, 2.0, "I have a cough for three days.", 0.9)]
    loop = asyncio.get_running_loop()
    async with note_server(NoteDelays(0.3, 0.3)) as url:
        drafter = LlmDrafter(LlmSettings(model=MODEL, base_url=url))
        began = loop.time()
        draft = await drafter.draft(said, Chart())
    assert loop.time() - began >= 0.3
    assert [one.text for found in draft.sections.values() for one in found] == [said[0].text]
    assert draft.left_out == 0


@pytest.mark.parametrize(("name", "limit"), LIMITS.items())
def test_a_promise_is_kept_below_its_limit(name: str, limit: float) -> None:
    assert Waited(name, 20, 0.1, limit - 0.1, limit + 1).kept
    assert not Waited(name, 20, 0.1, limit, limit).kept
    assert Waited("alert", 20, 99, 99, 99).kept
