"""The FHIR server on the settings' database, as each of our processes opens it."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aimed.settings import Settings
from fhir_server.auth.rate_limits import Limiter
from fhir_server.clock import random_id, system_clock
from fhir_server.server import FhirServer, open_fhir_server
from fhir_server.store.connection import connect
from integrations.outbound import key_set_fetch, open_guarded_client


@asynccontextmanager
async def open_fhir(
    settings: Settings, limiter: Limiter | None = None
) -> AsyncIterator[FhirServer]:
    """The FHIR server with the machine's clock and randomness, for as long as the context lasts.

    `limiter` counts requests, for a process that serves them.
    """
    async with (
        connect(settings.mongo_uri) as client,
        open_guarded_client(settings.outbound) as outbound,
    ):
        fhir = await open_fhir_server(
            client[settings.mongo.database],
            settings.fhir,
            clock=system_clock,
            ids=random_id,
            secret=new_secret,
            fetch=key_set_fetch(outbound),
            limiter=limiter,
        )
        try:
            yield fhir
        finally:
            await fhir.aclose()


def new_secret() -> str:
    """256 random bits, URL-safe."""
    return secrets.token_urlsafe(32)
