"""kill -9 of the worker while it finishes what waited for an engine: nothing twice or lost."""

from __future__ import annotations

import asyncio

import pytest

from aimed.audio_file import read_pcm
from aimed.demo.api import Api
from aimed.demo.checks import collect
from aimed.demo.microphone import Microphone
from aimed.demo.watcher import Watcher
from aimed.samples import consultation
from tests.e2e.conftest import Site
from tests.faults.conftest import Steered
from tests.faults.test_transcribe_killed import _started, _words, port  # noqa: F401

pytestmark = [pytest.mark.slow, pytest.mark.timeout(480)]

TURNS = 8
PACE = "3"
"""The worker is sent so many seconds of audio in one: it has some ten seconds to be killed in."""


@pytest.fixture(autouse=True)
def unhurried(port: int, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    """What `port` sets, but for the pace: after `port`, and before the stack."""
    monkeypatch.setenv("AIMED_AWS__TRANSCRIBE__LIMITS__PACE", PACE)
    monkeypatch.setenv("AIMED_AWS__TRANSCRIBE__LIMITS__RECONNECTIONS", "0")
    monkeypatch.setenv("AIMED_ENGINES__POLICY__OPEN_SECONDS", "1")
    monkeypatch.setenv("AIMED_ENGINES__POLICY__LONGEST_OPEN_SECONDS", "2")


async def test_the_worker_dies_in_the_middle(port: int, running: tuple[Steered, Site]) -> None:  # noqa: F811
    stack, site = running
    sample = consultation.load()
    turns = sample.turns[:TURNS]
    pcm, _ = read_pcm(sample.audio, 2)
    end = int((turns[-1].end + 0.5) * 10) * sample.format.bytes_per_second // 10
    async with Api(site.url) as api:
        await api.sign_in(site.username, site.password)
        made = await api.post("/fhir", sample.chart)
        patient = "/".join(made["entry"][0]["response"]["location"].split("/")[-4:-2])
        body = {"patient": patient, "consent": True, "channels": 2, "roles": ["doctor", "patient"]}
        encounter = (await api.post("/api/encounters", body))["id"]
        watcher = Watcher(site.url, api.token)
        following = asyncio.create_task(watcher.follow(encounter))
        await Microphone(site.url, api.token, pcm[:end], sample.format, speed=10).stream(encounter)
        await watcher.until("session.stopping", 60)
        serving = await asyncio.to_thread(_started, port)
        try:
            await watcher.until("transcript.final", 60)
            before = len(watcher.of("transcript.final"))
            stack.kill("worker")
            # A job whose worker died is given out again when its time is over.
            await watcher.until("session.finished", 200)
        finally:
            with serving:
                serving.kill()
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        evidence = await collect(api, encounter, patient)

    assert 0 < before < TURNS
    numbers = [arrival.event["seq"] for arrival in watcher.arrivals]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(watcher.of("session.finished")) == 1
    assert len(watcher.of("transcript.final")) == len(evidence.transcript["segments"])
    said = [(str(turn.speaker), word) for turn in turns for word in turn.text.split()]
    assert _words(evidence.transcript["segments"]) == said
    sentences = [text for text, _ in evidence.sentences]
    assert len(set(sentences)) == len(sentences) > 0
    assert evidence.encounter["status"] == "finished"
