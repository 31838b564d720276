"""The beginning of the sample consultation, while its preferred engine dies or comes back."""

from __future__ import annotations

import asyncio
from itertools import combinations
from typing import Any

import pytest
from rich.console import Console

from aimed.audio_file import read_pcm
from aimed.demo.api import Api
from aimed.demo.run import Result, Visit, play
from aimed.demo.screen import Screen
from aimed.demo.watcher import Arrival
from aimed.samples import consultation
from tests.e2e.conftest import Site
from tests.faults.test_transcribe_killed import _started, port, site  # noqa: F401
from tests.stand_ins.transcribe import sample_service, serving

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

AWS, WHISPER = "amazon-transcribe-medical", "whisper"
SPEED = 3.0
TURNS = 12
"""The first 56 seconds: speech enough for both engines."""
CHANGES_AFTER = 4
"""Segments that the first engine has made when it dies."""


class Changing(Screen):
    """Says when so many segments have come."""

    def __init__(self, after: int) -> None:
        super().__init__(Console(quiet=True))
        self.now = asyncio.Event()
        self._after = after
        self._segments = 0

    def event(self, arrival: Arrival) -> None:
        self._segments += arrival.type == "transcript.final"
        if self._segments == self._after:
            self.now.set()


@pytest.fixture(autouse=True)
def both(port: int, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    """What `port` sets for one engine, for both: after `port`, and before any `site`."""
    monkeypatch.setenv("AIMED_ENGINES__TRANSCRIPTION", '["aws", "whisper"]')
    monkeypatch.setenv("AIMED_ENGINES__POLICY__OPEN_SECONDS", "1")
    monkeypatch.setenv("AIMED_ENGINES__POLICY__LONGEST_OPEN_SECONDS", "2")
    monkeypatch.setenv("AIMED_AWS__TRANSCRIBE__LIMITS__RECONNECTIONS", "0")


async def listen(site: Site, screen: Screen) -> Result:  # noqa: F811
    sample = consultation.load()
    pcm, _ = read_pcm(sample.audio, 2)
    end = int((sample.turns[TURNS - 1].end + 0.2) * sample.format.bytes_per_second) // 4 * 4
    visit = Visit(sample.title, sample.chart, pcm[:end], sample.format, None, (), ())
    async with Api(site.url) as api:
        await api.sign_in(site.username, site.password)
        return await play(api, visit, speed=SPEED, screen=screen)


def overlap(one: dict[str, Any], start: float, end: float) -> float:
    return max(0.0, min(one["end"], end) - max(one["start"], start))


def check(result: Result) -> list[str]:
    """Nothing said twice, nothing missing; the engines in the order of what they heard."""
    assert [one.says for one in result.checks if not one.holds] == []
    segments = sorted(result.evidence.transcript["segments"], key=lambda one: one["start"])
    for turn in consultation.load().turns[:TURNS]:
        heard = [one for one in segments if one["role"] == turn.speaker]
        covered = sum(overlap(one, turn.start, turn.end) for one in heard)
        assert covered > 0.8 * (turn.end - turn.start), turn
    for first, second in combinations(segments, 2):
        if first["channel"] == second["channel"]:
            assert overlap(first, second["start"], second["end"]) < 0.3
    sentences = [text for text, _ in result.evidence.sentences]
    assert len(set(sentences)) == len(sentences) > 0
    return [one["engine"].split()[0] for one in segments]


async def test_the_service_dies_and_whisper_goes_on(port: int, site: Site) -> None:  # noqa: F811
    serving = await asyncio.to_thread(_started, port)
    screen = Changing(CHANGES_AFTER)

    async def die() -> None:
        await screen.now.wait()
        serving.kill()

    dying = asyncio.create_task(die())
    try:
        engines = check(await listen(site, screen))
    finally:
        with serving:
            serving.kill()
        dying.cancel()
    before = engines.index(WHISPER)
    assert before >= CHANGES_AFTER - 1
    assert engines == [AWS] * before + [WHISPER] * (len(engines) - before)


async def test_the_service_comes_back_and_goes_on(port: int, site: Site) -> None:  # noqa: F811
    screen = Changing(1)
    service = await asyncio.to_thread(sample_service)

    async def come() -> None:
        await screen.now.wait()
        async with serving(service, port=port):  # in this process: another one takes long to start
            await asyncio.Event().wait()

    coming = asyncio.create_task(come())
    try:
        engines = check(await listen(site, screen))
    finally:
        coming.cancel()
        await asyncio.gather(coming, return_exceptions=True)
    assert engines[0] == WHISPER
    assert engines[-1] == AWS
