"""Secrets and public clients. RFC 6749 2.3.1 and 5.2; row C3."""

from __future__ import annotations

import base64
from datetime import timedelta
from urllib.parse import quote_plus

import pytest

from fhir_server.auth.smart.clients.authentication import ClientAuthentication
from fhir_server.auth.smart.clients.client import ClientStore
from fhir_server.auth.smart.clients.credentials import has_secret, hashed, with_secret
from fhir_server.auth.smart.errors import InvalidClient, InvalidRequest
from tests.fhir_server.smart.clients.asserting import ENDPOINT, START, SetClock, client

SECRET = "s3cret/of+256&bits"


def basic(id: str, secret: str) -> str:
    pair = f"{quote_plus(id)}:{quote_plus(secret)}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


@pytest.fixture(autouse=True)
async def registered(clients: ClientStore) -> None:
    app = client(id="app:1", method="client_secret_basic")
    await clients.add(with_secret(app, SECRET, START))
    await clients.add(with_secret(client(id="post", method="client_secret_post"), SECRET, START))
    await clients.add(client(id="public", method="none"))
    await clients.add(client(id="asleep", method="none", status="pending"))


async def test_basic_with_form_encoded_parts(authentication: ClientAuthentication) -> None:
    found = await authentication.authenticate(basic("app:1", SECRET), {}, ENDPOINT)
    assert found.id == "app:1"
    same = {"client_id": "app:1"}
    assert await authentication.authenticate(basic("app:1", SECRET), same, ENDPOINT)


async def test_post(authentication: ClientAuthentication) -> None:
    sent = {"client_id": "post", "client_secret": SECRET}
    assert (await authentication.authenticate(None, sent, ENDPOINT)).id == "post"


@pytest.mark.parametrize("extra", [{}, {"client_secret": ""}])
async def test_public(authentication: ClientAuthentication, extra: dict[str, str]) -> None:
    sent = {"client_id": "public", **extra}
    assert (await authentication.authenticate(None, sent, ENDPOINT)).id == "public"


@pytest.mark.parametrize(
    "authorization",
    [
        basic("app:1", "wrong"),
        basic("app:1", ""),
        basic("nobody", SECRET),
        basic("post", SECRET),  # registered for the other way
        basic("public", SECRET),
        "Basic",
        "Basic ???",
        "Basic " + base64.b64encode(b"no colon").decode(),
        "Basic " + base64.b64encode(b"\xff:\xff").decode(),
        "Bearer abc",
    ],
)
async def test_wrong_basic_is_challenged(
    authentication: ClientAuthentication, authorization: str
) -> None:
    with pytest.raises(InvalidClient) as caught:
        await authentication.authenticate(authorization, {}, ENDPOINT)
    assert caught.value.headers["WWW-Authenticate"].startswith("Basic realm=")
    assert SECRET not in caught.value.description


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"client_id": "nobody"},
        {"client_id": "asleep"},
        {"client_id": "post", "client_secret": "wrong"},
        {"client_id": "app:1", "client_secret": SECRET},
        {"client_id": "public", "client_secret": SECRET},
        {"client_secret": SECRET},
    ],
)
async def test_wrong_form(authentication: ClientAuthentication, sent: dict[str, str]) -> None:
    with pytest.raises(InvalidClient) as caught:
        await authentication.authenticate(None, sent, ENDPOINT)
    assert caught.value.headers == {}


@pytest.mark.parametrize("id", ["app:1", "post"])
async def test_confidential_client_without_proof_is_challenged(
    authentication: ClientAuthentication, id: str
) -> None:
    with pytest.raises(InvalidClient) as caught:
        await authentication.authenticate(None, {"client_id": id}, ENDPOINT)
    assert "WWW-Authenticate" in caught.value.headers


async def test_basic_and_client_id_of_another(authentication: ClientAuthentication) -> None:
    with pytest.raises(InvalidClient):
        await authentication.authenticate(basic("app:1", SECRET), {"client_id": "post"}, ENDPOINT)


@pytest.mark.parametrize(
    ("authorization", "sent"),
    [
        (basic("app:1", SECRET), {"client_id": "app:1", "client_secret": SECRET}),
        (basic("app:1", SECRET), {"client_assertion": "a.b.c"}),
        (None, {"client_id": "post", "client_secret": SECRET, "client_assertion": "a.b.c"}),
    ],
)
async def test_two_methods_at_once(
    authentication: ClientAuthentication, authorization: str | None, sent: dict[str, str]
) -> None:
    with pytest.raises(InvalidRequest):
        await authentication.authenticate(authorization, sent, ENDPOINT)


async def test_rotation_overlaps(
    authentication: ClientAuthentication, clients: ClientStore, clock: SetClock
) -> None:
    found = await clients.find("app:1")
    assert found is not None
    newer = await clients.replace(with_secret(found, "new", clock.now, overlap=timedelta(hours=1)))
    assert [secret.hash for secret in newer.secrets] == [hashed(SECRET), hashed("new")]
    clock.move(3599)
    for secret in (SECRET, "new"):
        assert await authentication.authenticate(basic("app:1", secret), {}, ENDPOINT)
    clock.move(1)
    assert await authentication.authenticate(basic("app:1", "new"), {}, ENDPOINT)
    with pytest.raises(InvalidClient):
        await authentication.authenticate(basic("app:1", SECRET), {}, ENDPOINT)


def test_rotation_twice_keeps_the_first_end() -> None:
    once = with_secret(client(), "one", START)
    twice = with_secret(once, "two", START, overlap=timedelta(hours=1))
    later = START + timedelta(minutes=30)
    thrice = with_secret(twice, "three", later, overlap=timedelta(hours=2))
    assert has_secret(thrice, "one", START + timedelta(minutes=59))
    assert not has_secret(thrice, "one", START + timedelta(minutes=60))
    assert has_secret(thrice, "two", START + timedelta(minutes=149))
    at_once = with_secret(thrice, "four", later, overlap=timedelta(0))
    assert not has_secret(at_once, "three", later)
