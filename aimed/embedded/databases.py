"""The databases of a data folder for a short command, whether the stack is running or not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aimed.embedded.data_folder import DataFolder
from aimed.embedded.stack import Stack
from aimed.settings import Settings
from fhir_server.store.connection import Database
from fhir_server.store.encryption import open_database


@asynccontextmanager
async def reach(settings: Settings, data: Path | None) -> AsyncIterator[Settings]:
    """Settings with the addresses of both databases.

    Those of the settings come first, then those of the running stack on `data`; otherwise the
    databases are started for as long as the context lasts. Raises `StackError`.
    """
    if settings.mongo.uri and settings.redis.uri:
        yield settings
        return
    folder = data or settings.data
    if running := DataFolder(folder).running():
        yield settings.at(mongo=running.mongo, redis=running.redis)
        return
    async with Stack(settings, folder, applications=False) as stack:
        yield settings.at(mongo=stack.mongo_uri, redis=stack.redis_uri)


@asynccontextmanager
async def reach_database(settings: Settings, data: Path | None) -> AsyncIterator[Database]:
    """The MongoDB database of those, with its encryption. Raises `EncryptionFault` too."""
    async with (
        reach(settings, data) as reached,
        open_database(
            reached.mongo_uri, reached.mongo.database, reached.fhir.encryption
        ) as database,
    ):
        yield database
