"""Real databases for every test: SecantusDB and Valkey, started once, on loopback only."""

from __future__ import annotations

import asyncio
import base64
import os
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from blockbuster import BlockBuster
from hypothesis import HealthCheck, settings
from pymongo import MongoClient, monitoring
from pytest_socket import socket_allow_hosts

from aimed.embedded import Stack
from aimed.settings import Settings
from fhir_server.settings import EncryptionSettings
from fhir_server.store.connection import Database
from fhir_server.store.encryption import open_database
from tests.prepared_databases import PreparedDatabases

ENCRYPTION = EncryptionSettings.model_validate(
    {"provider": "local", "key": base64.b64encode(bytes(range(96))).decode()}
    if os.environ.get("AIMED_TEST_ENCRYPTION")
    else {}
)
"""With AIMED_TEST_ENCRYPTION=1 every test that takes `database` runs on an encrypted one."""

# How long an example takes tells nothing on a busy machine. What is slow is measured by the bench.
settings.register_profile(
    "unhurried", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("unhurried")

PACKAGES = ("aimed", "smart_app", "integrations", "pipelines", "fhir_server", "terminology")


STACKS = (
    "tests/aimed/demo/",
    "tests/e2e/",
    "tests/faults/test_engine_fail_over",
    "tests/integrations/whisper/",
)
"""Tests that promise times, or share a stack: one at a time, whatever else runs."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """With several workers a file stays with one, for its server, and all stacks with one.

    xdist_group does not do that: what xdist 3.8 puts into the ids of tests pytest 9.2 ignores.
    """
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):  # type: ignore[misc]  # xdist is typed in part
        def _split_scope(self, nodeid: str) -> str:
            return "stacks" if nodeid.startswith(STACKS) else super()._split_scope(nodeid)

    return Scheduling(config, log)


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
        asyncio.run_coroutine_threadsafe(stack.start(), loop).result(120)
        try:
            yield stack
        finally:
            asyncio.run_coroutine_threadsafe(stack.stop(), loop).result(120)


@pytest.fixture(scope="session")
def mongo_uri(databases: Stack) -> str:
    return databases.mongo_uri


@pytest.fixture(scope="session")
def redis_uri(databases: Stack) -> str:
    return databases.redis_uri


@pytest.fixture(scope="session")
def prepared_databases(mongo_uri: str) -> Iterator[PreparedDatabases]:
    """The embedded server is thrown away as a whole; one's own is left as it was."""
    prepared = PreparedDatabases()
    monitoring.register(prepared)
    yield prepared
    if os.environ.get("AIMED_TEST_MONGO_URI"):
        with MongoClient[dict[str, Any]](mongo_uri) as client:
            for name in prepared.names:
                client.drop_database(name)


@pytest.fixture
async def database(
    mongo_uri: str, prepared_databases: PreparedDatabases
) -> AsyncIterator[Database]:
    """An empty database of this test's own. Its collections and indexes may be there already."""
    async with open_database(mongo_uri, prepared_databases.take(), ENCRYPTION) as opened:
        yield opened
        await prepared_databases.give_back(opened)


@pytest.fixture
async def new_database(
    mongo_uri: str, prepared_databases: PreparedDatabases
) -> AsyncIterator[Database]:
    """A database in which nothing is, for tests of how it is prepared."""
    async with open_database(mongo_uri, prepared_databases.new(), ENCRYPTION) as opened:
        yield opened


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
