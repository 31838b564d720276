"""The same server as elsewhere, on an encrypted database."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator

import pytest

from fhir_server.store.connection import Database
from fhir_server.store.encryption import open_database
from tests.encrypted import local


@pytest.fixture
async def database(mongo_uri: str) -> AsyncIterator[Database]:
    name = f"test_{uuid.uuid4().hex}"
    async with open_database(mongo_uri, name, local()) as opened:
        yield opened
        await opened.client.drop_database(name)
