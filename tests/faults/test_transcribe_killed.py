"""The whole sample consultation over Transcribe streaming, which is killed in the middle of it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from aimed.audio_file import read_pcm
from aimed.demo.api import Api
from aimed.demo.run import Visit, play
from aimed.demo.screen import Screen
from aimed.embedded import Stack
from aimed.samples import consultation
from aimed.settings import Settings
from tests.conftest import background_loop
from tests.e2e.conftest import Site
from tests.reserved_port import reserved_port
from tests.stand_ins.transcribe import KEY, REGION

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

SPEED = 4.0
KILLS_AFTER = (6.0, 9.0)


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    with reserved_port() as port:
        for name, value in {
            "AWS_ACCESS_KEY_ID": KEY.id,
            "AWS_SECRET_ACCESS_KEY": KEY.secret,
            "AIMED_AWS__REGION": REGION,
            "AIMED_AWS__STREAMING_ENDPOINT": f"http://127.0.0.1:{port}",
            "AIMED_AWS__TRANSCRIBE__LIMITS__PACE": "20",
            "AIMED_ENGINES__TRANSCRIPTION": '["aws"]',
            "AIMED_CONSULTATION__RETRY_SECONDS": "0.2",
        }.items():
            monkeypatch.setenv(name, value)
        yield port


@pytest.fixture
def site(port: int, tmp_path: Path) -> Iterator[Site]:
    stack = Stack(Settings(), tmp_path)
    with background_loop() as loop:
        asyncio.run_coroutine_threadsafe(stack.start(), loop).result(120)
        try:
            login = stack.first_login
            assert login is not None
            yield Site(stack.http_url, login.username, login.password, stack.mongo_uri, tmp_path)
        finally:
            asyncio.run_coroutine_threadsafe(stack.stop(), loop).result(120)


async def test_the_sample_consultation(site: Site, port: int) -> None:
    sample = consultation.load()
    pcm, _ = read_pcm(sample.audio, 2)
    visit = Visit(
        sample.title, sample.chart, pcm, sample.format, None, sample.alerts, sample.denied
    )
    async with Api(site.url) as api:
        await api.sign_in(site.username, site.password)
        serving = await asyncio.to_thread(_started, port)
        killing = asyncio.create_task(_kill(serving, port, KILLS_AFTER))
        try:
            result = await play(api, visit, speed=SPEED, screen=Screen(Console(quiet=True)))
        finally:
            killing.cancel()
            await asyncio.gather(killing, return_exceptions=True)
    assert [check.says for check in result.checks if not check.holds] == []
    words = _words(result.evidence.transcript["segments"])
    assert words == [
        (str(turn.speaker), word) for turn in sample.turns for word in turn.text.split()
    ]
    # How late they may be is the bench's to measure: this machine does other things too.
    assert result.latencies.first_partial is not None
    assert result.closing_seconds < 120


def _words(segments: list[dict[str, Any]]) -> list[tuple[str, str]]:
    ordered = sorted(segments, key=lambda one: one["start"])
    return [(one["role"], word) for one in ordered for word in one["text"].split()]


async def _kill(process: subprocess.Popen[str], port: int, kills: tuple[float, ...]) -> None:
    """SIGKILL after each of `kills` seconds, then a second of nothing, then a new process."""
    for seconds in (*kills, 280.0):
        with process:
            try:
                await asyncio.sleep(seconds)
            finally:
                os.kill(process.pid, signal.SIGKILL)
        await asyncio.sleep(1.0)
        process = await asyncio.to_thread(_started, port)


def _started(port: int) -> subprocess.Popen[str]:
    root = Path(__file__).parents[2]
    command = [sys.executable, "-m", "tests.stand_ins.transcribe", str(port)]
    process = subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline().startswith("http://")
    return process
