"""A visit for which no engine works at first, in a browser: told plainly, finished by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from aimed.audio_file import read_pcm
from aimed.demo.api import Api
from aimed.demo.microphone import Microphone
from aimed.embedded import Stack
from aimed.samples import consultation
from aimed.settings import Settings
from tests.conftest import background_loop
from tests.e2e.conftest import Site
from tests.reserved_port import reserved_port
from tests.stand_ins.openai_server import KEY as LLM_KEY
from tests.stand_ins.openai_server import MODEL, Json, Say, note, openai_server
from tests.stand_ins.transcribe import KEY, REGION, sample_service, serving

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

SECONDS = 12
WAITS = "Speech recognition does not work just now. The sound is recorded and kept"


def written(data: Json) -> Say:
    """A sentence that holds, one to check, and one that nobody said."""
    said = next(one["id"] for one in data["segments"] if one["role"] == "patient")
    sentences = [
        ("Chest pain for about two weeks.", [said]),
        ("Reports nausea.", [said]),
        ("No chest pain.", [said]),
    ]
    return note(subjective=sentences)


@dataclass
class Cloud:
    """Engines away from here, which can be there or not."""

    port: int
    loop: asyncio.AbstractEventLoop
    held: AsyncExitStack = field(default_factory=AsyncExitStack)

    def hear(self) -> None:
        """Let speech recognition work."""
        entering = self.held.enter_async_context(serving(sample_service(), port=self.port))
        asyncio.run_coroutine_threadsafe(entering, self.loop).result(120)


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    with (
        background_loop() as loop,
        pytest.MonkeyPatch.context() as patch,
        reserved_port() as port,
    ):
        cloud = Cloud(port, loop)
        model = cloud.held.enter_async_context(openai_server(written))
        server = asyncio.run_coroutine_threadsafe(model, loop).result(120)
        for name, value in {
            "AWS_ACCESS_KEY_ID": KEY.id,
            "AWS_SECRET_ACCESS_KEY": KEY.secret,
            "AIMED_AWS__REGION": REGION,
            "AIMED_AWS__STREAMING_ENDPOINT": f"http://127.0.0.1:{cloud.port}",
            "AIMED_AWS__TRANSCRIBE__LIMITS__PACE": "20",
            "AIMED_AWS__TRANSCRIBE__LIMITS__RECONNECTIONS": "0",
            "AIMED_ENGINES__TRANSCRIPTION": '["aws"]',
            "AIMED_ENGINES__POLICY__OPEN_SECONDS": "1",
            "AIMED_ENGINES__POLICY__LONGEST_OPEN_SECONDS": "2",
            "AIMED_ENGINES__POLICY__LONGEST_WAIT_SECONDS": "1",
            "AIMED_ENGINES__NOTE": '["openai"]',
            "AIMED_LLM__BASE_URL": server.url,
            "AIMED_LLM__MODEL": MODEL,
            "AIMED_LLM__API_KEY": LLM_KEY,
        }.items():
            patch.setenv(name, value)
        yield cloud
        asyncio.run_coroutine_threadsafe(cloud.held.aclose(), loop).result(120)


@pytest.fixture(scope="module")
def site(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    data = tmp_path_factory.mktemp("site")
    stack = Stack(Settings(), data)
    asyncio.run_coroutine_threadsafe(stack.start(), cloud.loop).result(120)
    try:
        login = stack.first_login
        assert login is not None
        yield Site(stack.http_url, login.username, login.password, stack.mongo_uri, data)
    finally:
        asyncio.run_coroutine_threadsafe(stack.stop(), cloud.loop).result(120)


@pytest.fixture
def encounter(site: Site, cloud: Cloud) -> str:
    """The beginning of the sample consultation, recorded while nothing hears it, not stopped."""

    async def record() -> str:
        sample = consultation.load()
        pcm, _ = read_pcm(sample.audio, 2)
        async with Api(site.url) as api:
            await api.sign_in(site.username, site.password)
            made = await api.post("/fhir", sample.chart)
            patient = "/".join(made["entry"][0]["response"]["location"].split("/")[-4:-2])
            body = {
                "patient": patient,
                "consent": True,
                "channels": 2,
                "roles": ["doctor", "patient"],
            }
            id = str((await api.post("/api/encounters", body))["id"])
            part = pcm[: SECONDS * sample.format.bytes_per_second]
            microphone = Microphone(site.url, api.token, part, sample.format, speed=8.0)
            await microphone.stream(id, stop=False)
            return id

    return asyncio.run_coroutine_threadsafe(record(), cloud.loop).result(120)


def test_a_visit_waits_for_an_engine(
    encounter: str, cloud: Cloud, signed_in: Page, site: Site, tmp_path: Path
) -> None:
    page = signed_in
    page.goto(f"{site.url}/#/encounters/{encounter}")
    expect(page.get_by_role("alert")).to_contain_text(WAITS, timeout=60_000)
    expect(page.locator(".transcript-pane")).to_contain_text("once speech recognition works")
    _pictures(page, tmp_path, "recording")
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".status .chip")).to_have_text(
        "recorded, waits for an engine", timeout=60_000
    )
    page.reload()
    expect(page.locator(".status .chip")).to_have_text("recorded, waits for an engine")
    expect(page.get_by_role("alert")).to_contain_text(WAITS)
    _pictures(page, tmp_path, "stopped")
    cloud.hear()
    chip = page.locator(".status .chip")
    expect(chip).to_have_text("finished, not signed", timeout=90_000)
    expect(page.locator(".segment.patient")).to_contain_text("two weeks")
    expect(page.get_by_role("alert")).to_be_hidden()
    expect(page.locator(".sentence")).to_have_count(2)
    doubtful = page.locator(".sentence", has_text="nausea")
    expect(doubtful).to_contain_text("check this: nausea is not in the words it rests on")
    expect(page.locator(".sentence", has_text="two weeks")).not_to_contain_text("check this")
    left_out = "1 sentence left out: what was said does not bear it out."
    expect(page.get_by_text(left_out)).to_be_visible()
    expect(page.locator(".clock")).to_have_text("0:11")
    expect(page.locator("section", has=page.locator("#note")).locator(".chip")).to_contain_text(
        MODEL
    )
    _pictures(page, tmp_path, "finished")


def _pictures(page: Page, folder: Path, name: str) -> None:
    """The page as people see it, and on none is it wider than the screen."""
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        for width in (390, 1440):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            page.screenshot(path=folder / f"{name}-{scheme}-{width}.png", full_page=True)
