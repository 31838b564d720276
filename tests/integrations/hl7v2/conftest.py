"""The HL7 v2 side as a fixture."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from fhir_server.store.connection import Database
from tests.integrations.hl7v2.running import Running, running


@pytest.fixture
async def hl7(database: Database) -> AsyncIterator[Running]:
    async with running(database) as one:
        yield one


@pytest.fixture
def receiving(hl7: Running) -> Running:
    """The same under a name that does not hide python-hl7's."""
    return hl7
