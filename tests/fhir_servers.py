"""A FHIR server on a database of a test, as the programs open it."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fhir_server.clock import random_id, system_clock
from fhir_server.server import FhirServer, open_fhir_server
from fhir_server.settings import FhirSettings
from fhir_server.store.connection import Database


@asynccontextmanager
async def fhir_server_on(database: Database) -> AsyncIterator[FhirServer]:
    """With its settings as they come, the machine's clock and randomness; closed at the end."""
    opened = await open_fhir_server(
        database,
        FhirSettings(),
        clock=system_clock,
        ids=random_id,
        secret=lambda: secrets.token_urlsafe(32),
    )
    try:
        yield opened
    finally:
        await opened.aclose()
