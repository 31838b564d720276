"""Keys, made once because RSA takes its time, and a client authentication on a fresh database."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from joserfc.jwk import ECKey, RSAKey

from fhir_server.auth.smart.clients.authentication import ClientAuthentication
from fhir_server.auth.smart.clients.client import ClientStore
from fhir_server.auth.smart.keys.jwks_source import JwksSource
from fhir_server.errors import Unavailable
from fhir_server.store.connection import Database
from fhir_server.store.smart.assertions import AssertionStore
from tests.fhir_server.smart.clients.asserting import SetClock


@pytest.fixture(scope="session")
def rsa() -> RSAKey:
    return RSAKey.generate_key(2048)


@pytest.fixture(scope="session")
def stranger() -> RSAKey:
    return RSAKey.generate_key(2048)


@pytest.fixture(scope="session")
def ec() -> ECKey:
    return ECKey.generate_key("P-384")


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def clients(database: Database) -> ClientStore:
    return ClientStore(database)


@pytest.fixture
def authentication(
    database: Database, clients: ClientStore, clock: SetClock
) -> ClientAuthentication:
    """For clients with inline keys: nothing answers at any address."""

    async def nowhere(url: str) -> tuple[bytes, Mapping[str, str]]:
        raise Unavailable("Nothing is there.")

    source = JwksSource(nowhere, clock=clock)
    return ClientAuthentication(clients, AssertionStore(database), source, clock=clock)
