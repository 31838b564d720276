"""Requests to a name that is not this server's, and what takes too long."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
import pytest
from fastapi import FastAPI
from joserfc.jwk import RSAKey

from aimed.settings import Settings
from fhir_server import app as fhir_app
from fhir_server.clock import random_id, system_clock
from fhir_server.server import open_fhir_server
from fhir_server.settings import FhirSettings, RequestSettings
from fhir_server.store.connection import Database
from tests.accounts import dr_adams
from tests.fhir_server.smart.clients.asserting import claims, form, public, signed
from tests.fhir_server.smart.clients.asserting import client as backend


@asynccontextmanager
async def client_of(
    database: Database, settings: FhirSettings
) -> AsyncIterator[httpx2.AsyncClient]:
    """Signed in."""
    server = await open_fhir_server(
        database,
        settings,
        clock=system_clock,
        ids=random_id,
        secret=lambda: secrets.token_urlsafe(32),
    )
    app = FastAPI(openapi_url=None, redirect_slashes=False)
    fhir_app.mount(app, random_id)
    app.state.fhir = server
    token = (await server.authenticator.issue(dr_adams())).access_token
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=app, raise_app_exceptions=False),
        base_url="http://ehr.example",
        headers={"Authorization": f"Bearer {token}"},
    ) as client:
        yield client
    await server.aclose()


async def test_requests_to_another_name_are_refused(database: Database) -> None:
    # With them the audience of another server's client assertion would be taken for ours.
    settings = FhirSettings(requests=RequestSettings(hosts=("ehr.example",)))
    async with client_of(database, settings) as client:
        assert (await client.get("/fhir/metadata")).status_code == 200
        assert (await client.get("/fhir/metadata", headers={"Host": "EHR.example"})).is_success
        for host in ("other.example", "ehr.example:81", "ehr.example.other", ""):
            headers = {"Host": host}
            answers = [
                await client.get("/fhir/metadata", headers=headers),
                await client.get("/.well-known/smart-configuration", headers=headers),
                await client.post("/auth/token", data={"grant_type": "x"}, headers=headers),
            ]
            assert [one.status_code for one in answers] == [400] * 3, host


async def test_what_another_server_was_given_is_no_use_here(database: Database) -> None:
    site = {"public_url": "http://ehr.example"}
    key = RSAKey.generate_key(2048, {"kid": "one"})
    async with client_of(database, Settings.model_validate(site).fhir) as http:
        del http.headers["Authorization"]
        app: FastAPI = http._transport.app  # type: ignore[attr-defined]
        keys = {"keys": [public(key, kid="one", alg="RS384", use="sig")]}
        await app.state.fhir.smart.clients.add(backend(jwks=keys))

        async def exchange(audience: str, host: str) -> httpx2.Response:
            body = claims(system_clock(), aud=f"http://{audience}/auth/token")
            sent = form(signed(key, body), grant_type="client_credentials", scope="system/*.rs")
            return await http.post("/auth/token", data=sent, headers={"Host": host})

        assert (await exchange("ehr.example", "ehr.example")).status_code == 200
        replayed = await exchange("other.example", "ehr.example")
        assert (replayed.status_code, replayed.json()["error"]) == (401, "invalid_client")
        assert (await exchange("other.example", "other.example")).status_code == 400


@pytest.mark.parametrize(
    "path", ["Patient", "Patient?_has:Observation:subject:code=x", "", "Patient/_history"]
)
async def test_a_search_that_takes_too_long_is_given_up(database: Database, path: str) -> None:
    async with client_of(database, FhirSettings(search_seconds=0.00001)) as client:
        answer = await client.get(f"/fhir/{path}")
        assert (answer.status_code, answer.json()["issue"][0]["code"]) == (409, "too-costly")
        found = await client.delete("/fhir/Patient?name=x")
        assert found.status_code == 409


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "Patient/p/$everything"),
        ("GET", "Encounter/e/$everything"),
        ("GET", "Observation/$lastn?patient=Patient/p&category=laboratory"),
        ("GET", "Composition/c/$document"),
        ("GET", "Patient/p/$meta"),
        ("POST", "Patient/p/$meta-add"),
        ("POST", "$reindex"),
        ("GET", "$reindex-progress"),
    ],
)
async def test_an_operation_that_takes_too_long_is_given_up(
    database: Database, method: str, path: str
) -> None:
    async with client_of(database, FhirSettings(search_seconds=0.00001)) as client:
        meta = {"name": "meta", "valueMeta": {"tag": [{"code": "x"}]}}
        sent = {"resourceType": "Parameters", "parameter": [meta]}
        body = sent if path.endswith("$meta-add") else None
        answer = await client.request(method, f"/fhir/{path}", json=body)
        assert answer.status_code == 409, answer.text
        assert answer.json()["issue"][0]["code"] == "too-costly"
