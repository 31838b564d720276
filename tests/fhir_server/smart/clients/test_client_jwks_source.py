"""Key sets by URL, from a real server on loopback that counts. Row B7; SMART 2.2 (#296, #341)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field

import pytest
from joserfc.jwk import RSAKey

from fhir_server.auth.smart.clients.client import Client
from fhir_server.auth.smart.errors import InvalidClient
from fhir_server.auth.smart.keys.jwks_source import JwksSource, age_allowed
from fhir_server.resource import dumps
from integrations.outbound import key_set_fetch, open_guarded_client
from integrations.outbound.settings import OutboundSettings
from tests.fhir_server.smart.clients.asserting import SetClock, client, public


@dataclass
class KeyServer:
    """Answers every request with what it is told to, and counts."""

    hits: int = 0
    status: str = "200 OK"
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    url: str = ""

    def publish(self, *keys: dict[str, object]) -> None:
        self.body = dumps({"keys": list(keys)})

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.hits += 1
        fields = {**self.headers, "Content-Length": str(len(self.body)), "Connection": "close"}
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        writer.write(f"HTTP/1.1 {self.status}\r\n{head}\r\n".encode() + self.body)
        with suppress(ConnectionError):  # the client may have seen enough
            await writer.drain()
        writer.close()


@pytest.fixture
async def keys(rsa: RSAKey) -> AsyncIterator[KeyServer]:
    server = KeyServer()
    server.publish(public(rsa, kid="one"))
    listening = await asyncio.start_server(server.answer, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/jwks"
    async with listening:
        yield server


@pytest.fixture
async def source(clock: SetClock, keys: KeyServer) -> AsyncIterator[JwksSource]:
    port = int(keys.url.split(":")[2].partition("/")[0])
    settings = OutboundSettings(
        internal_hosts=("127.0.0.1/32",), ports=(port,), plain_http=True, seconds=60
    )
    async with open_guarded_client(settings) as client:
        yield JwksSource(key_set_fetch(client), clock=clock)


@pytest.fixture
def app(keys: KeyServer) -> Client:
    return client(jwks_uri=keys.url)


async def test_found_and_kept_five_minutes(
    source: JwksSource, keys: KeyServer, app: Client, clock: SetClock
) -> None:
    for _ in range(3):
        assert (await source.find(app, kid="one", alg="RS384"))["kid"] == "one"
    clock.move(299)
    await source.find(app, kid="one", alg="RS384")
    assert keys.hits == 1
    clock.move(1)
    await source.find(app, kid="one", alg="RS384")
    assert keys.hits == 2


@pytest.mark.parametrize(("control", "again"), [("no-store", 0), ("max-age=10", 10)])
async def test_kept_no_longer_than_cache_control_says(
    source: JwksSource, keys: KeyServer, app: Client, clock: SetClock, control: str, again: int
) -> None:
    keys.headers = {"Cache-Control": control}
    await source.find(app, kid="one", alg="RS384")
    clock.move(again)
    await source.find(app, kid="one", alg="RS384")
    assert keys.hits == 2


async def test_many_at_once_fetch_once(source: JwksSource, keys: KeyServer, app: Client) -> None:
    await asyncio.gather(*(source.find(app, kid="one", alg="RS384") for _ in range(20)))
    assert keys.hits == 1


async def test_new_kid_is_fetched_at_once(
    source: JwksSource, keys: KeyServer, app: Client, rsa: RSAKey, stranger: RSAKey
) -> None:
    await source.find(app, kid="one", alg="RS384")
    keys.publish(public(rsa, kid="one"), public(stranger, kid="new"))
    assert (await source.find(app, kid="new", alg="RS384"))["kid"] == "new"
    assert keys.hits == 2


async def test_unknown_kids_are_rate_limited_per_client(
    source: JwksSource, keys: KeyServer, app: Client, clock: SetClock
) -> None:
    for round in range(10):
        with pytest.raises(InvalidClient):
            await source.find(app, kid=f"unknown-{round}", alg="RS384")
    assert keys.hits == 2  # the first look and one more
    clock.move(30)
    with pytest.raises(InvalidClient):
        await source.find(app, kid="unknown", alg="RS384")
    assert keys.hits == 3
    other = client(id="other", jwks_uri=keys.url)
    await source.find(other, kid="one", alg="RS384")
    assert keys.hits == 4


async def test_outage_is_refused_and_not_hammered(
    source: JwksSource, keys: KeyServer, app: Client, clock: SetClock
) -> None:
    keys.status = "503 Service Unavailable"
    for _ in range(5):
        with pytest.raises(InvalidClient):
            await source.find(app, kid="one", alg="RS384")
    assert keys.hits == 1
    keys.status = "200 OK"
    clock.move(5)
    assert await source.find(app, kid="one", alg="RS384")


async def test_expired_set_is_not_used_when_the_server_is_down(
    source: JwksSource, keys: KeyServer, app: Client, clock: SetClock
) -> None:
    await source.find(app, kid="one", alg="RS384")
    keys.status = "500 Oops"
    clock.move(300)
    with pytest.raises(InvalidClient):
        await source.find(app, kid="one", alg="RS384")


async def test_outage_during_a_refetch_leaves_fresh_keys(
    source: JwksSource, keys: KeyServer, app: Client, clock: SetClock
) -> None:
    await source.find(app, kid="one", alg="RS384")
    keys.status = "503 Service Unavailable"
    with pytest.raises(InvalidClient):
        await source.find(app, kid="unknown", alg="RS384")
    assert keys.hits == 2
    assert await source.find(app, kid="one", alg="RS384")
    clock.move(300)
    with pytest.raises(InvalidClient):
        await source.find(app, kid="one", alg="RS384")


async def test_redirects_are_not_followed(source: JwksSource, keys: KeyServer, app: Client) -> None:
    keys.status, keys.headers = "302 Found", {"Location": keys.url}
    with pytest.raises(InvalidClient):
        await source.find(app, kid="one", alg="RS384")
    assert keys.hits == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"keys": {}}',
        b"\xff",
        b"<html>",
        b'{"keys": [' + b"[" * 50_000,
        b'{"keys": []}' + b" " * 1024 * 1024,
        b'{"keys": [' + b",".join([b"{}"] * 51) + b"]}",
    ],
    ids=["empty", "list", "object", "no list", "bytes", "html", "nested", "large", "many"],
)
async def test_what_is_no_key_set(
    source: JwksSource, keys: KeyServer, app: Client, body: bytes
) -> None:
    keys.body = body
    with pytest.raises(InvalidClient):
        await source.find(app, kid="one", alg="RS384")


async def test_private_key_in_the_set_spoils_it(
    source: JwksSource, keys: KeyServer, app: Client, rsa: RSAKey, stranger: RSAKey
) -> None:
    keys.publish(public(rsa, kid="one"), {**stranger.as_dict(private=True), "kid": "two"})
    with pytest.raises(InvalidClient, match="private"):
        await source.find(app, kid="one", alg="RS384")


async def test_keys_for_other_purposes_are_passed_over(
    source: JwksSource, keys: KeyServer, app: Client, rsa: RSAKey, stranger: RSAKey
) -> None:
    encryption = public(stranger, kid="one", use="enc")
    keys.publish(encryption, {"kty": "OKP", "kid": "x"}, public(rsa, kid="one", use="sig"))
    assert (await source.find(app, kid="one", alg="RS384"))["use"] == "sig"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 300),
        ({"Cache-Control": "public"}, 300),
        ({"cache-control": "public, max-age=60"}, 60),
        ({"CACHE-CONTROL": "Max-Age=60", "Age": "50"}, 10),
        ({"cache-control": "max-age=60", "age": "100"}, 0),
        ({"cache-control": "max-age=31536000"}, 86400),
        ({"cache-control": "max-age=60, no-cache"}, 0),
        ({"cache-control": "max-age=-1"}, 300),
    ],
)
def test_age(headers: dict[str, str], seconds: int) -> None:
    assert age_allowed(headers) == seconds
