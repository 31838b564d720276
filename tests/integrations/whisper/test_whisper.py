"""Local speech recognition on real audio, through the port."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import numpy as np
import pytest

from aimed.audio_file import read_pcm
from aimed.samples import consultation
from integrations.whisper.recogniser import WhisperMissing
from integrations.whisper.settings import WhisperSettings
from integrations.whisper.transcriber import WhisperTranscriber
from pipelines.ports import AudioFormat, TranscriptFinal, TranscriptPartial
from tests.shared_data import shared

MONO = AudioFormat(1)
SAMPLE = consultation.load()
Found = TranscriptFinal | TranscriptPartial


@pytest.fixture(scope="module")
def transcriber() -> WhisperTranscriber:
    return WhisperTranscriber(WhisperSettings())


def excerpt(start: float, end: float) -> bytes:
    pcm, _ = read_pcm(SAMPLE.audio, 2)
    rate = SAMPLE.format.bytes_per_second
    return pcm[int(start * rate) : int(end * rate)]


async def hear(
    transcriber: WhisperTranscriber,
    pcm: bytes,
    audio: AudioFormat,
    *,
    offset: float = 0.0,
    until: int | None = None,
    vocabulary: Sequence[str] = (),
) -> list[Found]:
    """Everything heard in `pcm`; stops after `until` finals as a crash would."""
    session = transcriber.open(audio, offset=offset, vocabulary=vocabulary)
    step = audio.bytes_per_second // 10

    async def feed() -> None:
        for at in range(0, len(pcm), step):
            await session.feed(pcm[at : at + step])
            await asyncio.sleep(0)
        await session.finish()

    feeding = asyncio.create_task(feed())
    found: list[Found] = []
    async for result in session.results():
        found.append(result)
        if until and len(finals(found)) == until:
            break
    feeding.cancel()
    await asyncio.gather(feeding, return_exceptions=True)
    await session.aclose()
    return found


def finals(found: Sequence[Found]) -> list[TranscriptFinal]:
    return [one for one in found if isinstance(one, TranscriptFinal)]


def words(found: Sequence[Found]) -> str:
    return " ".join(one.text.lower() for one in finals(found))


async def test_two_channels_are_told_apart(transcriber: WhisperTranscriber) -> None:
    found = finals(await hear(transcriber, excerpt(0, 24), SAMPLE.format))
    assert [one.channel for one in found] == [0, 1, 0, 1]
    assert "chest pain" in found[1].text
    assert "left arm" in found[3].text
    for one, turn in zip(found, SAMPLE.turns, strict=False):
        assert one.start == pytest.approx(turn.start, abs=0.6)
        assert one.end == pytest.approx(turn.end, abs=0.8)
        assert one.start < one.end <= one.settled + 1.0


async def test_partials_come_while_somebody_speaks(transcriber: WhisperTranscriber) -> None:
    await transcriber.warm()
    session = transcriber.open(SAMPLE.format)
    results = session.results()
    await session.feed(excerpt(16, 21))  # up to the middle of a sentence
    async with asyncio.timeout(60):
        first = await anext(results)
    assert isinstance(first, TranscriptPartial)
    assert "stairs" in first.text
    await session.feed(excerpt(21, 24))
    await session.finish()
    assert "stairs" in words([one async for one in results])
    await session.aclose()


@pytest.mark.parametrize("stopped_after", [1, 2, 3])
async def test_after_a_crash_nothing_is_lost_or_doubled(
    transcriber: WhisperTranscriber, stopped_after: int
) -> None:
    pcm, rate = excerpt(0, 30), SAMPLE.format.bytes_per_second
    whole = finals(await hear(transcriber, pcm, SAMPLE.format))
    before = finals(await hear(transcriber, pcm, SAMPLE.format, until=stopped_after))
    settled = before[-1].settled
    again = pcm[int(settled * 16_000) * 4 :]
    assert len(again) > rate
    after = finals(await hear(transcriber, again, SAMPLE.format, offset=settled))
    spans = [(one.channel, round(one.start, 0)) for one in [*before, *after]]
    assert len(spans) == len(whole)
    for one, (channel, start) in zip(whole, spans, strict=True):
        assert one.channel == channel
        assert one.start == pytest.approx(start, abs=1.1)


async def test_silence_and_noise_are_not_speech(transcriber: WhisperTranscriber) -> None:
    random = np.random.default_rng(3)
    hum = np.sin(np.arange(16_000 * 6) * 2 * np.pi * 100 / 16_000) * 2_000
    noise = random.normal(0, 800, 16_000 * 6)
    clicks = np.zeros(16_000 * 6)
    clicks[::8_000] = 20_000
    for sound in (np.zeros(16_000 * 6), hum, noise, clicks):
        pcm = sound.astype("<i2").tobytes()
        assert await hear(transcriber, pcm, MONO, vocabulary=["lisinopril"]) == []


async def test_a_long_utterance_is_cut_without_losing_words() -> None:
    transcriber = WhisperTranscriber(WhisperSettings(utterance_seconds=8, endpoint_seconds=2))
    found = await hear(transcriber, excerpt(97.8, 117.5), SAMPLE.format)
    assert len(finals(found)) >= 3
    said = words(found)
    for expected in ("heart rate", "oxygen", "temperature", "lungs", "heart sounds", "sinuses"):
        assert said.count(expected) == 1, said


async def test_feeding_waits_when_too_much_is_waiting(transcriber: WhisperTranscriber) -> None:
    session = transcriber.open(MONO)
    second = bytes(MONO.bytes_per_second)
    async with asyncio.timeout(60):
        for _ in range(30):
            await session.feed(second)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await session.feed(second)
    await session.aclose()


async def test_a_missing_model_is_told_plainly() -> None:
    transcriber = WhisperTranscriber(WhisperSettings(model="/nowhere/model"))
    with pytest.raises(WhisperMissing, match="AIMED_WHISPER__MODEL"):
        await transcriber.warm()


@pytest.mark.parametrize("name", ["cycle_000_00.mp3", "cycle_001_00.mp3"])
async def test_recordings_without_a_voice(transcriber: WhisperTranscriber, name: str) -> None:
    pcm, _ = read_pcm(shared(f"audio/audio_no_voice/audios/{name}"), 1)
    assert await hear(transcriber, pcm, MONO) == []
