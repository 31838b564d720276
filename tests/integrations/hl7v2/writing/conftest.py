"""A server on a database of the test's own."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from fhir_server.store.connection import Database
from integrations.hl7v2.writing.importing import Importing
from tests.fhir_servers import fhir_server_on
from tests.integrations.hl7v2.writing.feed import Feed


@pytest.fixture
async def feed(database: Database) -> AsyncIterator[Feed]:
    async with fhir_server_on(database) as fhir:
        importing = Importing(fhir.server)
        await importing.prepare()
        yield Feed(fhir, importing)
