"""Registration over HTTP. RFC 7591 and RFC 7592; rows C1 to C3."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from joserfc.jwk import RSAKey
from starlette.requests import Request

from fhir_server.auth.smart.clients.authentication import ClientAuthentication
from fhir_server.auth.smart.clients.client import ClientStore
from fhir_server.auth.smart.clients.registration import MOST_PENDING, Registration
from fhir_server.auth.smart.errors import InvalidClient
from fhir_server.clock import random_id
from fhir_server.rest import errors
from fhir_server.rest.smart import errors as oauth_errors
from fhir_server.rest.smart.registration import registration_router
from fhir_server.store.connection import Database
from fhir_server.store.smart.invitations import InvitationStore
from tests.fhir_server.smart.clients import asserting
from tests.fhir_server.smart.clients.asserting import ENDPOINT, SetClock, public

CEILING = ("openid", "fhirUser", "launch/patient", "patient/*.cruds", "system/*.rs")
APP: dict[str, Any] = {
    "client_name": "Growth chart",
    "redirect_uris": ["https://app.example/cb"],
    "token_endpoint_auth_method": "client_secret_basic",
    "grant_types": ["authorization_code", "refresh_token"],
    "scope": "openid patient/Observation.rs",
    "unknown_field": {"is": "passed over"},
}


class Service:
    """Registration behind its routes."""

    def __init__(self, registration: Registration, http: httpx2.AsyncClient) -> None:
        self.registration = registration
        self.http = http
        self.ended: list[str] = []
        self.recorded: list[str] = []

    async def register(self, sent: Any, token: str | None = None) -> httpx2.Response:
        return await self.http.post("/auth/register", json=sent, headers=bearer(token))

    async def invited(self, sent: Any) -> httpx2.Response:
        return await self.register(sent, await self.registration.invite("Dr Adams"))


def bearer(token: str | None) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if token else {}


@pytest.fixture
async def service(
    database: Database, clients: ClientStore, clock: SetClock
) -> AsyncIterator[Service]:
    async with _service(database, clients, clock, open=False) as one:
        yield one


@pytest.fixture
async def open_service(
    database: Database, clients: ClientStore, clock: SetClock
) -> AsyncIterator[Service]:
    async with _service(database, clients, clock, open=True) as one:
        yield one


class _service:
    def __init__(
        self, database: Database, clients: ClientStore, clock: SetClock, *, open: bool
    ) -> None:
        self.ended: list[str] = []
        self.recorded: list[str] = []

        async def ended(id: str) -> None:
            self.ended.append(id)

        self.registration = Registration(
            clients,
            InvitationStore(database),
            clock=clock,
            ids=random_id,
            secret=lambda: secrets.token_urlsafe(32),
            ceiling=CEILING,
            open=open,
            ended=ended,
        )

    async def __aenter__(self) -> Service:
        app = FastAPI(openapi_url=None)
        errors.install(app)
        oauth_errors.install(app)

        async def recorded(request: Request, client_id: str | None, status: int) -> None:
            if client_id is not None:
                self.recorded.append(client_id)

        app.include_router(registration_router(lambda request: self.registration, recorded))
        transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
        self.http = httpx2.AsyncClient(transport=transport, base_url="https://ehr.example")
        service = Service(self.registration, self.http)
        service.ended, service.recorded = self.ended, self.recorded
        return service

    async def __aexit__(self, *raised: object) -> None:
        await self.http.aclose()


async def test_registration(
    service: Service, clients: ClientStore, authentication: ClientAuthentication
) -> None:
    answer = await service.invited(APP)
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert body["redirect_uris"] == APP["redirect_uris"]
    assert body["response_types"] == ["code"]
    assert body["client_secret_expires_at"] == 0
    assert body["scope"] == APP["scope"]
    client = await clients.find(body["client_id"])
    assert client is not None
    assert (client.owner, client.status) == ("Dr Adams", "active")
    assert service.recorded == [client.id]
    assert body["client_secret"] not in repr(client)
    assert body["registration_access_token"] not in repr(client)
    auth = httpx2.BasicAuth(body["client_id"], body["client_secret"])
    header = next(auth.auth_flow(httpx2.Request("POST", ENDPOINT))).headers["authorization"]
    assert await authentication.authenticate(header, {}, ENDPOINT) == client


async def test_public_client_gets_no_secret(service: Service, clients: ClientStore) -> None:
    body = (await service.invited({**APP, "token_endpoint_auth_method": "none"})).json()
    assert "client_secret" not in body
    client = await clients.find(body["client_id"])
    assert client is not None
    assert client.secrets == ()


async def test_backend_with_keys(service: Service, clients: ClientStore, rsa: RSAKey) -> None:
    sent = {
        "client_name": "Export",
        "token_endpoint_auth_method": "private_key_jwt",
        "grant_types": ["client_credentials"],
        "jwks": {"keys": [public(rsa, kid="one")]},
        "scope": "system/Patient.rs system/Patient.cruds system/Patient.$",
    }
    body = (await service.invited(sent)).json()
    assert body["scope"] == "system/Patient.rs"
    assert "client_secret" not in body
    client = await clients.find(body["client_id"])
    assert client is not None
    assert client.jwks == {"keys": [public(rsa, kid="one")]}


async def test_without_invitation(service: Service) -> None:
    for token in (None, "wrong"):
        answer = await service.register(APP, token)
        assert answer.status_code == 401
        assert answer.json()["error"] == "invalid_token"
        assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_invitation_is_used_once_and_not_by_a_mistake(service: Service) -> None:
    token = await service.registration.invite("Dr Adams")
    assert (await service.register({**APP, "client_name": ""}, token)).status_code == 400
    answers = await asyncio.gather(*(service.register(APP, token) for _ in range(20)))
    assert sorted(answer.status_code for answer in answers) == [201] + [401] * 19


async def test_invitation_ends(service: Service, clock: SetClock) -> None:
    token = await service.registration.invite("Dr Adams", days=1)
    clock.move(24 * 3600)
    assert (await service.register(APP, token)).status_code == 401


async def test_invitation_limits_scopes(service: Service) -> None:
    token = await service.registration.invite("x", scopes=("patient/Observation.r", "admin/*.x"))
    body = (
        await service.register({**APP, "scope": "patient/*.rs patient/Observation.r"}, token)
    ).json()
    assert body["scope"] == "patient/Observation.r"


async def test_open_registration_waits_for_approval(
    open_service: Service, clients: ClientStore, authentication: ClientAuthentication
) -> None:
    answer = await open_service.register({**APP, "token_endpoint_auth_method": "none"})
    assert answer.status_code == 201
    assert answer.json()["status"] == "pending"
    id, token = answer.json()["client_id"], answer.json()["registration_access_token"]
    with pytest.raises(InvalidClient):
        await authentication.authenticate(None, {"client_id": id}, ENDPOINT)
    client = await clients.find(id)
    assert client is not None
    await clients.replace(replace(client, status="active"))
    assert await authentication.authenticate(None, {"client_id": id}, ENDPOINT)
    # What was approved is not what it is now: approval starts again.
    moved = {**APP, "client_id": id, "token_endpoint_auth_method": "none"}
    url = f"/auth/register/{id}"
    same = await open_service.http.put(url, json=moved, headers=bearer(token))
    assert same.json()["status"] == "active"
    assert open_service.ended == []
    moved["redirect_uris"] = ["https://evil.example/cb"]
    changed = await open_service.http.put(url, json=moved, headers=bearer(token))
    assert changed.json()["status"] == "pending"
    assert open_service.ended == [id]  # what it holds was given to what it was


async def test_those_who_wait_are_bounded(
    open_service: Service, clients: ClientStore, clock: SetClock
) -> None:
    for number in range(MOST_PENDING):
        await clients.add(asserting.client(id=str(number), status="pending"))
    answer = await open_service.register(APP)
    assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable")
    assert (await open_service.invited(APP)).status_code == 201


JWT = {"token_endpoint_auth_method": "private_key_jwt"}
BAD_URI = "invalid_redirect_uri"
BAD = "invalid_client_metadata"


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"redirect_uris": ["https://app.example/cb#x"]}, BAD_URI),
        ({"redirect_uris": ["http://app.example/cb"]}, BAD_URI),
        ({"redirect_uris": ["https://app.example/*"]}, BAD_URI),
        ({"redirect_uris": ["javascript:alert(1)"]}, BAD_URI),
        ({"redirect_uris": ["https://app.example/cb", "data:text/html,x"]}, BAD_URI),
        ({"redirect_uris": []}, BAD),
        ({"redirect_uris": "https://app.example/cb"}, BAD),
        ({"redirect_uris": [{"$ne": 1}]}, BAD),
        ({"redirect_uris": [f"https://a.example/{n}" for n in range(21)]}, BAD),
        ({"client_name": None}, BAD),
        ({"client_name": " "}, BAD),
        ({"client_name": {"$ne": 1}}, BAD),
        ({"client_name": "x" * 201}, BAD),
        ({"client_name": "Growth\u202echart"}, BAD),
        ({"client_name": "Growth\nchart"}, BAD),
        ({"token_endpoint_auth_method": "client_secret_jwt"}, BAD),
        ({"token_endpoint_auth_method": ["none"]}, BAD),
        ({"grant_types": ["implicit"]}, BAD),
        ({"grant_types": ["password"]}, BAD),
        ({"grant_types": ["client_credentials"]}, BAD),
        ({"grant_types": ["refresh_token"], "redirect_uris": []}, BAD),
        ({"grant_types": []}, BAD),
        ({"response_types": ["token"]}, BAD),
        ({"response_types": ["code", "token"]}, BAD),
        ({"response_types": []}, BAD),
        ({"scope": 5}, BAD),
        ({"scope": "admin/*.* user/*.rs system/*.cruds"}, BAD),
        ({"scope": ""}, BAD),
        ({"scope": "patient/Observation."}, BAD),
        ({"logo_uri": "javascript:alert(1)"}, BAD),
        ({"logo_uri": "http://app.example/logo.png"}, BAD),
        ({"client_uri": "data:text/html,x"}, BAD),
        ({"tos_uri": []}, BAD),
        ({"policy_uri": "https://u:p@app.example"}, BAD),
        ({"launch_url": "vbscript:x"}, BAD),
        ({"initiate_login_uri": "file:///x"}, BAD),
        ({"contacts": "me"}, BAD),
        ({"contacts": ["\r\nBcc: x"]}, BAD),
        ({"contacts": ["\ud800"]}, BAD),
        ({"jwks_uri": "https://app.example/jwks"}, BAD),  # with a secret
        (JWT, BAD),  # neither
        ({**JWT, "jwks_uri": "http://app.example/jwks"}, BAD),
        ({**JWT, "jwks_uri": "http://localhost/jwks"}, BAD),
        ({**JWT, "jwks_uri": "file:///etc/passwd"}, BAD),
        ({**JWT, "jwks_uri": "https://a.example/jwks", "jwks": {"keys": []}}, BAD),
        ({**JWT, "jwks": {"keys": []}}, BAD),
        ({**JWT, "jwks": {"keys": [{"kty": "oct", "kid": "a", "k": "c2VjcmV0"}]}}, BAD),
        ({**JWT, "jwks": "https://app.example/jwks"}, BAD),
        ({"software_statement": "a.b.c"}, "unapproved_software_statement"),
    ],
    ids=str,
)
async def test_refused_metadata(
    service: Service, clients: ClientStore, change: dict[str, Any], error: str
) -> None:
    token = await service.registration.invite("Dr Adams")
    answer = await service.http.post(
        "/auth/register",
        content=json.dumps({**APP, **change}),
        headers={**bearer(token), "Content-Type": "application/json"},
    )
    assert (answer.status_code, answer.json()["error"]) == (400, error)
    assert await clients.all() == []


async def test_private_short_and_duplicate_keys(
    service: Service, rsa: RSAKey, stranger: RSAKey
) -> None:
    private = {**rsa.as_dict(private=True), "kid": "one"}
    twice = [public(rsa, kid="one"), public(stranger, kid="one")]
    for keys in ([private], twice):
        answer = await service.invited({**APP, **JWT, "jwks": {"keys": keys}})
        assert (answer.status_code, answer.json()["error"]) == (400, BAD)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b'{"a":1,"a":2}', b'{"a":NaN}', b"\xff", b"1" * 5000]
)
async def test_bodies_that_are_no_registration(service: Service, body: bytes) -> None:
    token = await service.registration.invite("Dr Adams")
    headers = {**bearer(token), "Content-Type": "application/json"}
    answer = await service.http.post("/auth/register", content=body, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (400, BAD)


async def test_other_media_and_large_bodies(service: Service) -> None:
    form = await service.http.post("/auth/register", data={"client_name": "x"})
    assert form.status_code == 400
    large = await service.register({**APP, "pad": "x" * 200_000})
    assert large.status_code == 413


async def test_read_update_delete(service: Service, clients: ClientStore) -> None:
    body = (await service.invited(APP)).json()
    url, auth = body["registration_client_uri"], bearer(body["registration_access_token"])
    assert url == f"https://ehr.example/auth/register/{body['client_id']}"
    read = (await service.http.get(url, headers=auth)).json()
    assert read == {name: value for name, value in body.items() if "client_secret" not in name}
    changed = {**APP, "client_id": body["client_id"], "client_name": "Growth"}
    updated = await service.http.put(url, json=changed, headers=auth)
    assert updated.status_code == 200
    assert updated.json()["client_name"] == "Growth"
    assert "client_secret" not in updated.json()
    removed = await service.http.delete(url, headers=auth)
    assert removed.status_code == 204
    assert service.ended == [body["client_id"]]
    assert await clients.all() == []
    assert (await service.http.get(url, headers=auth)).status_code == 401


async def test_update_keeps_to_what_was_registered(service: Service) -> None:
    body = (await service.invited(APP)).json()
    url, auth = body["registration_client_uri"], bearer(body["registration_access_token"])
    right = {**APP, "client_id": body["client_id"]}

    async def put(**change: Any) -> httpx2.Response:
        return await service.http.put(url, json={**right, **change}, headers=auth)

    assert (await put(scope="patient/Observation.cruds")).json()["error"] == BAD
    assert (await put(scope="openid")).json()["scope"] == "openid"
    assert (await put(scope="openid patient/Observation.rs")).json()["scope"] == "openid"
    for wrong in (
        {"client_id": "other"},
        {"client_secret": "wrong"},
        {"registration_access_token": "x"},
        {"client_id_issued_at": 1},
    ):
        answer = await put(**wrong)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert (await put(client_secret=body["client_secret"], scope="openid")).status_code == 200
    assert service.ended == [body["client_id"]]  # when the scopes shrank


async def test_secrets_come_and_go_with_the_method(service: Service, clients: ClientStore) -> None:
    body = (await service.invited(APP)).json()
    url, auth = body["registration_client_uri"], bearer(body["registration_access_token"])
    as_public = {**APP, "client_id": body["client_id"], "token_endpoint_auth_method": "none"}
    await service.http.put(url, json=as_public, headers=auth)
    client = await clients.find(body["client_id"])
    assert client is not None
    assert client.secrets == ()
    again = await service.http.put(url, json={**APP, "client_id": client.id}, headers=auth)
    assert again.json()["client_secret"] != body["client_secret"]


async def test_registration_token_of_another(service: Service) -> None:
    one, two = (await service.invited(APP)).json(), (await service.invited(APP)).json()
    for method in ("GET", "PUT", "DELETE"):
        for token in (None, "wrong", two["registration_access_token"]):
            answer = await service.http.request(
                method,
                one["registration_client_uri"],
                headers=bearer(token),
                json={**APP, "client_id": one["client_id"]} if method == "PUT" else None,
            )
            assert answer.status_code == 401, (method, token)
    unknown = await service.http.get(
        "/auth/register/nobody", headers=bearer(two["registration_access_token"])
    )
    assert unknown.status_code == 401
