"""Real databases for every test: SecantusDB and Valkey, started once, on loopback only."""

from __future__ import annotations

import asyncio
import os
import threading
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from blockbuster import BlockBuster
from pytest_socket import socket_allow_hosts

from aimed.embedded import Stack
from aimed.settings import Settings
from fhir_server.store.connection import Database, connect

PACKAGES = ("aimed", "smart_app", "integrations", "pipelines", "fhir_server", "terminology")


STACKS = ("aimed", "e2e", "faults", "integrations", "interop")
"""Folders whose tests start whole stacks and read clocks: one at a time, whatever else runs."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """With several workers a file stays with one, for its server, and all stacks with one."""
    for item in items:
        place = item.path.relative_to(Path(__file__).parent)
        group = "stacks" if place.parts[0] in STACKS else str(place)
        item.add_marker(pytest.mark.xdist_group(group))


def pytest_runtest_setup() -> None:
    socket_allow_hosts(["127.0.0.1", "::1", "localhost"], allow_unix_socket=True)


@pytest.fixture(scope="session")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The embedded databases without the applications."""
    settings = Settings.model_validate(
        {
            "mongo": {"uri": os.environ.get("AIMED_TEST_MONGO_URI")},
            "redis": {"uri": os.environ.get("AIMED_TEST_REDIS_URI")},
        }
    )
    stack = Stack(settings, tmp_path_factory.mktemp("databases"), applications=False)
    with background_loop() as loop:
        asyncio.run_coroutine_threadsafe(stack.start(), loop).result(90)
        try:
            yield stack
        finally:
            asyncio.run_coroutine_threadsafe(stack.stop(), loop).result(30)


@pytest.fixture(scope="session")
def mongo_uri(databases: Stack) -> str:
    return databases.mongo_uri


@pytest.fixture(scope="session")
def redis_uri(databases: Stack) -> str:
    return databases.redis_uri


@pytest.fixture
async def database(mongo_uri: str) -> AsyncIterator[Database]:
    """An empty database of this test's own, dropped afterwards."""
    async with connect(mongo_uri) as client:
        name = f"test_{uuid.uuid4().hex}"
        yield client[name]
        await client.drop_database(name)


@pytest.fixture
def no_blocking() -> Iterator[BlockBuster]:
    """Fail when our own code blocks the event loop. For tests of async code."""
    blockbuster = BlockBuster(scanned_modules=list(PACKAGES))
    blockbuster.activate()
    yield blockbuster
    blockbuster.deactivate()


@contextmanager
def background_loop() -> Iterator[asyncio.AbstractEventLoop]:
    """An event loop in a thread: what runs in it outlives the loops of single tests."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="embedded databases", daemon=True)
    thread.start()
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
