"""id_tokens and the keys behind them. Rows O1 to O4 and O6."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from fhir_server.auth.smart.keys.id_token import id_token
from fhir_server.auth.smart.keys.signing import SigningKeys
from fhir_server.rest.smart.jwks import jwks_router
from fhir_server.store.connection import Database
from fhir_server.store.smart.keys import SigningKeyStore
from tests.fhir_server.smart.clients.asserting import SetClock

LEAD, LIFETIME = 600, 3600
OVER = LEAD + LIFETIME + 300
PRIVATE = {"d", "p", "q", "dp", "dq", "qi", "k"}


@pytest.fixture
def store(database: Database) -> SigningKeyStore:
    return SigningKeyStore(database)


def opened(store: SigningKeyStore, clock: SetClock, seal: bytes | None = None) -> SigningKeys:
    return SigningKeys(store, clock=clock, lead=LEAD, lifetime=LIFETIME, bits=2048, seal=seal)


async def kids(keys: SigningKeys) -> list[str]:
    return [key["kid"] for key in (await keys.public())["keys"]]


def verified(token: str, published: dict[str, Any]) -> jwt.Token:
    return jwt.decode(token, KeySet.import_key_set(published), algorithms=["RS256"])  # type: ignore[arg-type]


async def test_id_token(store: SigningKeyStore, clock: SetClock) -> None:
    keys = opened(store, clock, seal=b"s" * 32)
    token = await id_token(
        keys,
        issuer="https://ehr.example",
        subject="dr.adams",
        client_id="app",
        fhir_user="https://ehr.example/fhir/Practitioner/p1",
        nonce="n",
        auth_time=clock.now,
        access_token="access",
        now=clock.now,
        lifetime=300,
    )
    published = await keys.public()
    found = verified(token, published)
    at = int(clock.now.timestamp())
    half = hashlib.sha256(b"access").digest()[:16]
    assert found.header == {"alg": "RS256", "typ": "JWT", "kid": published["keys"][0]["kid"]}
    assert found.claims == {
        "iss": "https://ehr.example",
        "sub": "dr.adams",
        "aud": "app",
        "iat": at,
        "exp": at + 300,
        "auth_time": at,
        "nonce": "n",
        "fhirUser": "https://ehr.example/fhir/Practitioner/p1",
        "at_hash": base64.urlsafe_b64encode(half).rstrip(b"=").decode(),
    }
    for subject in ("", "x" * 256, "é"):
        with pytest.raises(ValueError, match="subject"):
            await id_token(
                keys, issuer="i", subject=subject, client_id="c", fhir_user=None, nonce=None,
                auth_time=None, access_token=None, now=clock.now, lifetime=1,
            )  # fmt: skip


async def test_rotation_leaves_no_gap(store: SigningKeyStore, clock: SetClock) -> None:
    keys = opened(store, clock)
    first = (await kids(keys))[0]
    token = await keys.sign({"sub": "a"})
    second = await keys.rotate()
    assert await kids(keys) == [first, second]  # published before it signs
    assert await keys.rotate() == second  # one on its way is enough
    clock.move(LEAD - 1)
    assert verified(await keys.sign({}), await keys.public()).header["kid"] == first
    clock.move(1)
    assert verified(await keys.sign({}), await keys.public()).header["kid"] == second
    clock.move(LIFETIME)
    assert verified(token, await keys.public()).claims == {"sub": "a"}
    clock.move(300)
    assert await kids(keys) == [second]
    with pytest.raises((JoseError, ValueError)):
        verified(token, await keys.public())
    third = await keys.rotate()
    assert [key.kid for key in await store.all()] == [second, third]


async def test_caches_see_a_new_key_in_time(store: SigningKeyStore, clock: SetClock) -> None:
    rotating, other = opened(store, clock), opened(store, clock)
    await kids(rotating)
    await kids(other)  # read just before the rotation
    clock.move(1)
    second = await rotating.rotate()
    clock.move(LEAD - rotating.max_age - 1)
    assert second in await kids(other)  # whoever caches this sees it before it is used
    assert 0 < rotating.max_age < LEAD


async def test_processes_agree_on_one_key(store: SigningKeyStore, clock: SetClock) -> None:
    several = [opened(store, clock) for _ in range(3)]
    assert len({tuple(await kids(one)) for one in several}) == 1
    clock.move(3600)
    rotated = await asyncio.gather(*(one.rotate() for one in several))
    assert len(set(rotated)) == 1
    assert len(await store.all()) == 2


async def test_first_key_is_one_for_all_who_start_at_once(
    store: SigningKeyStore, clock: SetClock
) -> None:
    several = [opened(store, clock) for _ in range(3)]
    assert len({tuple(one) for one in await asyncio.gather(*map(kids, several))}) == 1


async def test_rotate_when_old(store: SigningKeyStore, clock: SetClock) -> None:
    keys = opened(store, clock)
    await kids(keys)
    clock.move(89 * 86400)
    assert not await keys.rotate_if_older(90)
    clock.move(86400)
    assert await keys.rotate_if_older(90)
    assert not await keys.rotate_if_older(90)


async def test_private_keys_are_sealed(store: SigningKeyStore, clock: SetClock) -> None:
    await kids(opened(store, clock, seal=b"s" * 32))
    [kept] = await store.all()
    assert '"d"' not in kept.private
    assert kept.private.count(".") == 4  # a compact JWE
    with pytest.raises(JoseError):
        await opened(store, clock, seal=b"t" * 32).sign({})
    with pytest.raises(ValueError, match="seal"):
        await opened(store, clock).sign({})


def test_weak_settings(store: SigningKeyStore, clock: SetClock) -> None:
    for wrong in ({"bits": 1024}, {"lead": 0}, {"seal": b"short"}):
        with pytest.raises(ValueError, match="2048"):
            SigningKeys(store, clock=clock, **wrong)  # type: ignore[arg-type]


async def test_published_over_http(store: SigningKeyStore, clock: SetClock) -> None:
    keys = opened(store, clock)
    app = FastAPI(openapi_url=None)
    app.include_router(jwks_router(lambda request: keys))
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="https://ehr.example") as http:
        answer = await http.get("/auth/jwks")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == f"public, max-age={keys.max_age}"
    [key] = answer.json()["keys"]
    assert (key["kty"], key["use"], key["alg"]) == ("RSA", "sig", "RS256")
    assert not PRIVATE & set(key)
