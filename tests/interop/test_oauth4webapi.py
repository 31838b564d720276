"""The OAuth client of npm, `oauth4webapi`, unmodified, under Node."""

from __future__ import annotations

import asyncio
import json
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from joserfc.jwk import ECKey, RSAKey

from tests.fhir_server.smart.flow import REDIRECT, public_client
from tests.interop.conftest import Place

NPM = Path(__file__).parent / "npm"
SCOPE = "openid fhirUser offline_access patient/Patient.rs"
KEYS = {
    "ES384": lambda: ECKey.generate_key("P-384"),
    "RS384": lambda: RSAKey.generate_key(2048),
}


@asynccontextmanager
async def application() -> AsyncIterator[Process]:
    assert (NPM / "node_modules").exists(), "The clients are missing: `make test` installs them."
    running = await asyncio.create_subprocess_exec(
        "node", NPM / "relying_party.mjs", stdin=PIPE, stdout=PIPE, stderr=PIPE
    )
    try:
        yield running
    finally:
        if running.returncode is None:
            running.kill()
        await running.communicate()


async def say(running: Process, line: str) -> dict[str, Any]:
    """Write a line to the application; the line of JSON that it answers."""
    assert running.stdin
    assert running.stdout
    assert running.stderr
    running.stdin.write(f"{line}\n".encode())
    async with asyncio.timeout(60):
        answer = await running.stdout.readline()
        assert answer, (await running.stderr.read()).decode()
    found: dict[str, Any] = json.loads(answer)
    return found


async def through(place: Place, **more: Any) -> dict[str, Any]:
    """What the application tells after a person has let it in."""
    configured = {
        "issuer": place.url,
        "fhir": f"{place.url}/fhir",
        "id": "app",
        "redirect": REDIRECT,
        "scope": SCOPE,
        **more,
    }
    async with application() as running:
        address = (await say(running, json.dumps(configured)))["address"]
        asked = await place.app.browser.get(httpx2.URL(address))
        back = await place.app.decide(asked, patient="a")
        return await say(running, f"{REDIRECT}?{httpx2.QueryParams(back)}")


def check(told: dict[str, Any], place: Place) -> None:
    assert told["same"]
    assert told["claims"]["fhirUser"] == f"{place.url}/fhir/Practitioner/p1"
    assert set(told["scope"].split()) == {*SCOPE.split(), "launch/patient"}
    assert (told["patient"]["id"], told["patient"]["name"][0]["family"]) == ("a", "Able")
    assert told["refused"] == "invalid_grant"
    assert told["unread"] == "OAUTH_WWW_AUTHENTICATE_CHALLENGE"


async def test_a_public_application(place: Place) -> None:
    check(await through(place), place)


@pytest.mark.parametrize("alg", KEYS)
async def test_an_application_with_a_key(place: Place, alg: str) -> None:
    key = KEYS[alg]()
    public = {**key.as_dict(private=False), "kid": "one"}
    held = public_client("held", method="private_key_jwt", jwks={"keys": [public]})
    await place.app.server.smart.clients.add(held)
    jwk = {**key.as_dict(private=True), "kid": "one"}
    told = await through(place, id="held", alg=alg, jwk=jwk)
    check(told, place)
    inspected = told["inspected"]
    assert (inspected["active"], inspected["client_id"]) == (True, "held")
    assert inspected["patient"] == "a"
    assert told["ended"] == {"active": False}
