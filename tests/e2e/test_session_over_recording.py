"""A session that ends in the middle of a recording: signing in again goes on, nothing is lost."""

from __future__ import annotations

import asyncio
import re
import wave
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Page, expect

from aimed.audio_file import read_pcm
from aimed.demo.api import Api
from aimed.demo.checks import Evidence, collect
from aimed.samples import consultation
from tests.conftest import background_loop
from tests.e2e.conftest import Site, add_account, token_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
SECONDS = 30
AFTER_THREE = re.compile(r"0:(0[3-9]|[12]\d)")
"""Whoever looks now and then misses a single second."""


@pytest.fixture
def audio(tmp_path: Path) -> Path:
    """The beginning of the sample visit."""
    pcm, channels = read_pcm(consultation.load().audio, 1)
    file = tmp_path / "visit.wav"
    with wave.open(str(file), "wb") as out:
        out.setnchannels(channels)
        out.setsampwidth(2)
        out.setframerate(16_000)
        out.writeframes(pcm[: SECONDS * 32_000])
    return file


def end_other_sessions(site: Site) -> None:
    headers = {"Authorization": f"Bearer {token_of(site)}"}
    urlopen(Request(f"{site.url}/auth/sessions", None, headers, method="DELETE"))  # noqa: S310


def kept(site: Site, encounter: str) -> Evidence:
    async def read() -> Evidence:
        async with Api(site.url) as api:
            await api.sign_in(site.username, site.password)
            snapshot = await api.get(f"/api/encounters/{encounter}")
            return await collect(api, encounter, snapshot["patient"]["reference"])

    with background_loop() as loop:
        return asyncio.run_coroutine_threadsafe(read(), loop).result(120)


def test_signing_in_again_goes_on_with_the_recording(page: Page, site: Site, audio: Path) -> None:
    own = add_account(site, "dr.midway", display="Dr Midway")
    page.goto(f"{own.url}/#/new")
    page.fill("#username", own.username)
    page.fill("#password", own.password)
    page.press("#password", "Enter")
    page.wait_for_selector("#consent")
    # The click tells the page that somebody is at it: an answer that comes late closes nothing.
    page.locator("details").evaluate("box => { box.firstChild.click(); box.open = true }")
    page.fill("#family", "Harris")
    page.select_option("#source", "file")
    page.set_input_files("#file", str(audio))
    page.check("#consent")
    page.get_by_role("button", name="Start recording").click()
    expect(page.locator(".clock")).to_contain_text(AFTER_THREE, timeout=60_000)

    end_other_sessions(own)
    dialog = page.get_by_role("dialog", name="Sign in again")
    expect(dialog.get_by_role("alert")).to_contain_text(
        "The recording goes on meanwhile.", timeout=60_000
    )
    expect(page.locator(".status")).to_contain_text(
        "the sound is kept on this page", timeout=60_000
    )
    page.keyboard.press("Escape")
    expect(dialog).to_be_visible()
    page.fill("#username", own.username)
    page.fill("#password", own.password)
    page.keyboard.press("Enter")
    expect(dialog).not_to_be_visible(timeout=60_000)

    expect(page.locator(".chip", has_text="finished, not signed")).to_be_visible(timeout=150_000)
    evidence = kept(own, page.url.rpartition("/")[2])
    assert evidence.audio_seconds == pytest.approx(SECONDS, abs=0.2)
