"""kill -9 on an encrypted installation: what was durable is read again, by nobody without a key."""

from __future__ import annotations

import asyncio

import pytest

from aimed.audio_file import read_pcm
from aimed.demo.api import Api
from aimed.demo.checks import collect
from aimed.demo.microphone import Microphone
from aimed.demo.watcher import Watcher
from aimed.samples import consultation
from aimed.settings import Settings
from tests.e2e.conftest import Site
from tests.encrypted import KEY, dump, shown
from tests.faults.conftest import Steered, acknowledging

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

SECONDS = 24


@pytest.fixture(autouse=True)
def encryption(monkeypatch: pytest.MonkeyPatch) -> None:
    """Named before the stack is started, whose processes read the environment."""
    monkeypatch.setenv("AIMED_FHIR__ENCRYPTION__PROVIDER", "local")
    monkeypatch.setenv("AIMED_FHIR__ENCRYPTION__KEY", KEY)


@pytest.fixture
def running(encryption: None, running: tuple[Steered, Site]) -> tuple[Steered, Site]:
    return running


async def test_kill_the_api_of_an_encrypted_installation(running: tuple[Steered, Site]) -> None:
    stack, site = running
    sample = consultation.load()
    pcm, _ = read_pcm(sample.audio, 2)
    pcm = pcm[: SECONDS * sample.format.bytes_per_second]
    async with Api(site.url) as api:
        await api.sign_in(site.username, site.password)
        made = await api.post("/fhir", sample.chart)
        patient = "/".join(made["entry"][0]["response"]["location"].split("/")[-4:-2])
        family = (await api.get(f"/fhir/{patient}"))["name"][0]["family"]
        body = {"patient": patient, "consent": True, "channels": 2, "roles": ["doctor", "patient"]}
        encounter = (await api.post("/api/encounters", body))["id"]
        microphone = Microphone(site.url, api.token, pcm, sample.format, speed=3.0)
        watcher = Watcher(site.url, api.token)
        following = asyncio.create_task(watcher.follow(encounter))
        streaming = asyncio.create_task(microphone.stream(encounter))
        await asyncio.sleep(4)
        await acknowledging(microphone)
        stack.kill("api")
        await stack.ready()
        await streaming
        await watcher.until("session.finished", 180)
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        evidence = await collect(api, encounter, patient)
    assert evidence.audio_seconds == pytest.approx(SECONDS, abs=0.2)
    said = [one["text"].strip() for one in evidence.transcript["segments"]]
    assert said
    stored = await dump(site.mongo_uri, Settings().mongo.database)
    assert shown(stored, family, *said) == []
