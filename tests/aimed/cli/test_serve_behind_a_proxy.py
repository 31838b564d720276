"""`aimed serve` behind a proxy: who is believed about the caller. ASVS 5.0 V4.1.3, V15.3.4."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest

from aimed.embedded.ports import free_port
from fhir_server.store.accounts import AccountStore
from fhir_server.store.connection import connect
from tests.accounts import PASSWORD, USERNAME, dr_adams

pytestmark = pytest.mark.timeout(240)
PROXY, STRANGER = "127.0.0.2", "127.0.0.3"
CLAIM = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}


@dataclass
class Api:
    """A running API process."""

    url: str

    def sign_in(self, peer: str) -> tuple[httpx2.Response, str]:
        """The answer, and the address that the server holds for that of the caller."""
        # What the peer is shows only from its own address.
        transport = httpx2.HTTPTransport(local_address=peer)
        with httpx2.Client(transport=transport, base_url=self.url, timeout=60) as client:
            sent = {"username": USERNAME, "password": PASSWORD}
            answer = client.post("/auth/login", json=sent, headers=CLAIM)
            bearer = {"Authorization": f"Bearer {answer.json()['access_token']}"}
            listed = client.get("/auth/sessions", headers=bearer | CLAIM).json()["sessions"]
            return answer, next(one["address"] for one in listed if one["current"])


@pytest.fixture(scope="module")
def api(mongo_uri: str, redis_uri: str) -> Iterator[Api]:
    name = f"test_{uuid.uuid4().hex}"
    asyncio.run(_add(mongo_uri, name))
    port = free_port()
    settings = {
        "AIMED_MONGO__URI": mongo_uri,
        "AIMED_REDIS__URI": redis_uri,
        "AIMED_MONGO__DATABASE": name,
        "AIMED_HTTP__TRUSTED_PROXIES": json.dumps([PROXY]),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "aimed", "serve", "--host", "127.0.0.1", "--port", str(port)],
        env={**os.environ, **settings},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait(url)
        yield Api(url)
    finally:
        process.terminate()
        process.wait(60)
        asyncio.run(_drop(mongo_uri, name))


def _wait(url: str) -> None:
    until = time.monotonic() + 150
    while time.monotonic() < until:
        try:
            if httpx2.get(f"{url}/health/ready", timeout=5).status_code == 200:
                return
        except httpx2.HTTPError:
            pass
        time.sleep(0.2)
    raise AssertionError("the API did not come up")


async def _add(uri: str, name: str) -> None:
    async with connect(uri) as client:
        await AccountStore(client[name]).add(dr_adams())


async def _drop(uri: str, name: str) -> Any:
    async with connect(uri) as client:
        await client.drop_database(name)


@pytest.mark.parametrize(
    ("peer", "address", "transport"),
    [
        (PROXY, "203.0.113.9", "max-age=31536000; includeSubDomains"),
        (STRANGER, STRANGER, None),
    ],
)
def test_only_a_listed_proxy_is_believed(
    api: Api, peer: str, address: str, transport: str | None
) -> None:
    answer, seen = api.sign_in(peer)
    assert seen == address
    assert answer.headers.get("strict-transport-security") == transport
