"""A stack of its own for the tests that break it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from aimed.demo.microphone import Microphone
from aimed.embedded import Stack
from aimed.settings import Settings
from tests.conftest import background_loop
from tests.e2e.conftest import Site


class Steered:
    """A stack that lives in another thread's event loop, steered from a test's own."""

    def __init__(self, stack: Stack, loop: asyncio.AbstractEventLoop) -> None:
        self._stack = stack
        self._loop = loop

    def kill(self, name: str) -> None:
        """SIGKILL one of the programs."""
        self._loop.call_soon_threadsafe(self._stack.kill, name)

    async def ready(self) -> None:
        """Wait until the API answers again."""
        await asyncio.sleep(1.0)
        waiting = asyncio.run_coroutine_threadsafe(self._stack.ready(), self._loop)
        await asyncio.wrap_future(waiting)


async def acknowledging(microphone: Microphone) -> None:
    """Wait until sound of it is durable."""
    async with asyncio.timeout(60):
        while not microphone.acknowledged:  # noqa: ASYNC110  the microphone has no event for it
            await asyncio.sleep(0.05)


@pytest.fixture
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Steered, Site]]:
    data = tmp_path_factory.mktemp("broken")
    stack = Stack(Settings(), data)
    with background_loop() as loop:
        asyncio.run_coroutine_threadsafe(stack.start(), loop).result(120)
        try:
            login = stack.first_login
            assert login is not None
            site = Site(stack.http_url, login.username, login.password, stack.mongo_uri, data)
            yield Steered(stack, loop), site
        finally:
            asyncio.run_coroutine_threadsafe(stack.stop(), loop).result(120)
