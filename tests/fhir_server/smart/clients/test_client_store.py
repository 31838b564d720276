"""Clients in MongoDB."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from fhir_server.auth.smart.clients.client import ClientStore, origin_of
from fhir_server.auth.smart.clients.credentials import with_secret
from fhir_server.errors import VersionConflict
from tests.fhir_server.smart.clients.asserting import START, client


async def test_what_is_stored_is_found(clients: ClientStore) -> None:
    one = with_secret(
        client(jwks={"keys": [{"kty": "RSA"}]}, contacts=("a@b.example",)), "s", START
    )
    await clients.add(one)
    assert await clients.find("backend") == one
    assert await clients.find("nobody") is None
    with pytest.raises(VersionConflict):
        await clients.add(one)
    assert await clients.all() == [one]
    assert await clients.remove("backend")
    assert not await clients.remove("backend")


async def test_of_two_changes_at_once_one_is_told(clients: ClientStore) -> None:
    one = client()
    await clients.add(one)
    changes = (clients.replace(replace(one, name=name)) for name in ("a", "b"))
    answers = await asyncio.gather(*changes, return_exceptions=True)
    assert sorted(isinstance(answer, VersionConflict) for answer in answers) == [False, True]
    await clients.remove("backend")
    with pytest.raises(VersionConflict):
        await clients.replace(one)


async def test_origins_are_those_of_active_public_clients(clients: ClientStore) -> None:
    def app(id: str, uri: str, **fields: str) -> None:
        added.append(client(id=id, redirect_uris=(uri,), **{"method": "none", **fields}))

    added: list[object] = []
    app("a", "https://app.example/cb?x=1")
    app("b", "https://app.example:443/other")
    app("c", "http://localhost:9000/cb")
    app("d", "http://[::1]:8080/cb")
    app("e", "https://pending.example/cb", status="pending")
    app("f", "https://confidential.example/cb", method="client_secret_basic")
    for one in added:
        await clients.add(one)  # type: ignore[arg-type]
    expected = {"https://app.example", "http://localhost:9000", "http://[::1]:8080"}
    assert await clients.origins() == expected


def test_application_schemes_have_no_origin() -> None:
    assert origin_of("com.example.app:/cb") is None
