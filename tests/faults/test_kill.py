"""kill -9 in the middle of a consultation: nothing acknowledged and nothing final is lost."""

from __future__ import annotations

import asyncio
import json
from itertools import combinations
from typing import Any

import pytest

from aimed.audio_file import read_pcm
from aimed.demo.api import Api
from aimed.demo.checks import collect
from aimed.demo.microphone import Microphone
from aimed.demo.watcher import Watcher
from aimed.samples import consultation
from tests.e2e.conftest import Site
from tests.faults.conftest import Steered, acknowledging

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

SECONDS = 75
SPEED = 3.0


async def test_kill_the_api_while_people_talk(running: tuple[Steered, Site]) -> None:
    stack, site = running
    sample = consultation.load()
    pcm, _ = read_pcm(sample.audio, 2)
    pcm = pcm[: SECONDS * sample.format.bytes_per_second]
    async with Api(site.url) as api:
        await api.sign_in(site.username, site.password)
        made = await api.post("/fhir", sample.chart)
        patient = "/".join(made["entry"][0]["response"]["location"].split("/")[-4:-2])
        body = {"patient": patient, "consent": True, "channels": 2, "roles": ["doctor", "patient"]}
        encounter = (await api.post("/api/encounters", body))["id"]
        microphone = Microphone(site.url, api.token, pcm, sample.format, speed=SPEED)
        watcher = Watcher(site.url, api.token)
        following = asyncio.create_task(watcher.follow(encounter))
        streaming = asyncio.create_task(microphone.stream(encounter))
        for _ in range(2):
            await asyncio.sleep(8)
            finals = {arrival.data["id"] for arrival in watcher.of("transcript.final")}
            await acknowledging(microphone)
            stack.kill("api")
            await stack.ready()
            snapshot = await api.get(f"/api/encounters/{encounter}")
            assert finals <= {segment["id"] for segment in snapshot["segments"]}
        await streaming
        await watcher.until("session.finished", 180)
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        evidence = await collect(api, encounter, patient)

    numbers = [arrival.event["seq"] for arrival in watcher.arrivals]
    assert numbers == list(range(1, len(numbers) + 1))
    assert evidence.audio_seconds == pytest.approx(SECONDS, abs=0.2)
    segments = evidence.transcript["segments"]
    for turn in sample.turns:
        if turn.end < SECONDS:
            heard = [one for one in segments if one["role"] == turn.speaker]
            covered = sum(_overlap(one, turn.start, turn.end) for one in heard)
            assert covered > 0.8 * (turn.end - turn.start), (turn, json.dumps(segments))
    for first, second in combinations(segments, 2):
        if first["channel"] == second["channel"]:
            assert _overlap(first, second["start"], second["end"]) < 0.3
    alerts = [arrival.data["rule"] for arrival in watcher.of("alert.raised")]
    assert len(alerts) == len(set(alerts))


def _overlap(segment: dict[str, Any], start: float, end: float) -> float:
    return max(0.0, min(segment["end"], end) - max(segment["start"], start))
