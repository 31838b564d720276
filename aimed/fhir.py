"""The FHIR server on the settings' database, as each of our processes opens it."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2

from aimed.settings import Settings
from fhir_server.clock import random_id, system_clock
from fhir_server.rest.smart.jwks import plain_fetch
from fhir_server.server import FhirServer, open_fhir_server
from fhir_server.store.connection import connect


@asynccontextmanager
async def open_fhir(settings: Settings) -> AsyncIterator[FhirServer]:
    """The FHIR server with the machine's clock and randomness, for as long as the context lasts."""
    async with connect(settings.mongo_uri) as client, httpx2.AsyncClient(trust_env=False) as web:
        fhir = await open_fhir_server(
            client[settings.mongo.database],
            settings.fhir,
            clock=system_clock,
            ids=random_id,
            secret=new_secret,
            fetch=plain_fetch(web),
        )
        try:
            yield fhir
        finally:
            await fhir.aclose()


def new_secret() -> str:
    """256 random bits, URL-safe."""
    return secrets.token_urlsafe(32)
