"""Signing in by npm's `oidc-provider`, unmodified, a certified OpenID provider, under Node."""

from __future__ import annotations

import asyncio
import json
import secrets
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2
import pyotp
import pytest
from fastapi import FastAPI
from joserfc.jwk import ECKey, RSAKey

from fhir_server import app as fhir_app
from fhir_server.clock import random_id, system_clock
from fhir_server.errors import NotPermitted, NotSupported, VersionConflict
from fhir_server.identity_settings import IdentitySettings
from fhir_server.server import FhirServer, open_fhir_server
from fhir_server.settings import FhirSettings
from fhir_server.store.connection import Database
from integrations.openid_provider import OpenIdProvider
from integrations.outbound import open_guarded_client
from integrations.outbound.settings import OutboundSettings
from tests.accounts import PASSWORD, USERNAME, dr_adams

NPM = Path(__file__).parent / "npm"
PUBLIC = "https://aimed.example"
PERSON = "248289761001"
SECRET = "a secret: with %, /, + and a space"


@asynccontextmanager
async def provider(configured: dict[str, Any]) -> AsyncIterator[str]:
    """The issuer of a running provider."""
    assert (NPM / "node_modules").exists(), "The provider is missing: `make test` installs it."
    running = await asyncio.create_subprocess_exec(
        "node", NPM / "openid_provider.mjs", stdin=PIPE, stdout=PIPE, stderr=PIPE
    )
    assert running.stdin
    assert running.stdout
    try:
        running.stdin.write(json.dumps(configured).encode() + b"\n")
        async with asyncio.timeout(60):
            line = await running.stdout.readline()
        yield str(json.loads(line)["issuer"])
    finally:
        if running.returncode is None:
            running.kill()
        await running.communicate()


@dataclass
class Site:
    """Our server, and a browser that goes to the provider and back."""

    server: FhirServer
    http: httpx2.AsyncClient
    browser: httpx2.AsyncClient

    async def there_and_back(self, begun: httpx2.Response) -> dict[str, str]:
        """What the page is called with, and what its tab has kept."""
        assert begun.status_code == 200, begun.text
        told = begun.json()
        address = told["redirect"]
        while not address.startswith(PUBLIC):
            answer = await self.browser.get(address)
            assert answer.status_code in (302, 303), answer.text
            address = str(httpx2.URL(address).join(answer.headers["location"]))
        assert urlsplit(address).path == "/sign-in/provider"
        return {**dict(parse_qsl(urlsplit(address).query)), "binding": told["binding"]}

    async def sign_in(self) -> httpx2.Response:
        back = await self.there_and_back(await self.http.post("/auth/login/provider"))
        return await self.http.post("/auth/login/provider/finish", json=back)

    async def bearer(self) -> dict[str, str]:
        sent = {"username": USERNAME, "password": PASSWORD}
        token = (await self.http.post("/auth/login", json=sent)).json()["access_token"]
        return {"Authorization": f"Bearer {token}"}


Open = Callable[..., Awaitable[Site]]


@pytest.fixture
async def open_site(database: Database) -> AsyncIterator[Open]:
    async with AsyncExitStack() as stack:

        async def opened(configured: dict[str, Any], **settings: Any) -> Site:
            issuer = await stack.enter_async_context(provider(configured))
            identity = IdentitySettings.model_validate(
                {
                    "public_url": PUBLIC,
                    "second_factor_roles": ("clinician",)
                    if "second_factor_amr" in settings
                    else (),
                    "provider": {"issuer": issuer, "client_id": "aimed", **settings},
                }
            )
            outbound = OutboundSettings(
                internal_hosts=("127.0.0.0/8",),
                plain_http=True,
                ports=(urlsplit(issuer).port or 0,),
                seconds=60,
            )
            guarded = await stack.enter_async_context(open_guarded_client(outbound))
            server = await open_fhir_server(
                database,
                FhirSettings(identity=identity),
                clock=system_clock,
                ids=random_id,
                secret=lambda: secrets.token_urlsafe(32),
                provider=OpenIdProvider(
                    guarded,
                    identity.provider,
                    clock=system_clock,
                    secret=lambda: secrets.token_urlsafe(32),
                ),
            )
            stack.push_async_callback(server.aclose)
            await server.accounts.add(dr_adams())
            app = FastAPI(openapi_url=None, redirect_slashes=False)
            fhir_app.mount(app, random_id)
            app.state.fhir = server
            transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
            http = httpx2.AsyncClient(transport=transport, base_url=PUBLIC)
            browser = httpx2.AsyncClient(timeout=60)
            return Site(
                server,
                await stack.enter_async_context(http),
                await stack.enter_async_context(browser),
            )

        yield opened


def configured(**client: Any) -> dict[str, Any]:
    return {
        "redirect": f"{PUBLIC}/sign-in/provider",
        "person": PERSON,
        "amr": ["pwd", "mfa"],
        "client": {"client_id": "aimed", **client},
    }


BASIC = {"client_secret": SECRET, "token_endpoint_auth_method": "client_secret_basic"}


async def test_linking_and_signing_in(open_site: Open) -> None:
    site = await open_site(configured(**BASIC), client_secret=SECRET, label="Example Health")
    ways = (await site.http.get("/auth/ways")).json()
    assert ways["provider"] == {"label": "Example Health"}

    unknown = await site.sign_in()
    assert unknown.status_code == 403
    assert "No account here is linked to you at Example Health" in unknown.text

    bearer = await site.bearer()
    begun = await site.http.post(
        "/auth/account/provider", json={"password": PASSWORD}, headers=bearer
    )
    back = await site.there_and_back(begun)
    linked = await site.http.post("/auth/account/provider/finish", json=back, headers=bearer)
    assert linked.status_code == 204, linked.text
    told = (await site.http.get("/auth/account", headers=bearer)).json()["provider"]
    assert told == {"label": "Example Health", "linked": True}

    answer = await site.sign_in()
    assert answer.status_code == 200, answer.text
    assert answer.json()["user"] == {"reference": "Practitioner/p1", "display": "Dr Adams"}
    signed_in = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    assert (await site.http.get("/fhir/Patient", headers=signed_in)).status_code == 200
    assert (await site.http.post("/auth/logout", headers=signed_in)).status_code == 204
    assert (await site.http.get("/fhir/Patient", headers=signed_in)).status_code == 401

    gone = await site.http.post(
        "/auth/account/provider/remove", json={"password": PASSWORD}, headers=bearer
    )
    assert gone.status_code == 204
    assert (await site.sign_in()).status_code == 403


@pytest.mark.parametrize(
    ("alg", "key"),
    [("RS256", RSAKey.generate_key(2048)), ("ES256", ECKey.generate_key("P-256"))],
    ids=["RS256", "ES256"],
)
async def test_private_key_jwt(open_site: Open, alg: str, key: RSAKey | ECKey) -> None:
    private = {**key.as_dict(private=True), "kid": "one", "alg": alg}
    public = {**key.as_dict(private=False), "kid": "one", "alg": alg, "use": "sig"}
    site = await open_site(
        configured(
            token_endpoint_auth_method="private_key_jwt",
            token_endpoint_auth_signing_alg=alg,
            jwks={"keys": [public]},
        ),
        private_key=json.dumps(private),
    )
    account = await site.server.accounts.find(USERNAME)
    assert account is not None
    await site.server.provider.link_to(account, PERSON)
    assert (await site.sign_in()).status_code == 200


async def test_its_word_on_the_second_factor(open_site: Open) -> None:
    site = await open_site(
        configured(**BASIC), client_secret=SECRET, second_factor_amr=["mfa"], roles=["clinician"]
    )
    account = await site.server.accounts.find(USERNAME)
    assert account is not None
    await site.server.provider.link_to(account, PERSON)
    answer = await site.sign_in()
    assert answer.json()["enrolling"] is False, answer.text


async def linked(site: Site) -> None:
    account = await site.server.accounts.find(USERNAME)
    assert account is not None
    await site.server.provider.link_to(account, PERSON)


async def test_what_came_back_counts_once_and_in_its_own_tab(open_site: Open) -> None:
    site = await open_site(configured(**BASIC), client_secret=SECRET)
    await linked(site)
    finish = "/auth/login/provider/finish"
    back = await site.there_and_back(await site.http.post("/auth/login/provider"))
    answers = await asyncio.gather(*(site.http.post(finish, json=back) for _ in range(20)))
    assert sorted(one.status_code for one in answers) == [200] + [401] * 19

    # What an attacker began, opened in somebody else's browser.
    mine = await site.there_and_back(await site.http.post("/auth/login/provider"))
    yours = await site.there_and_back(await site.http.post("/auth/login/provider"))
    crossed = await site.http.post(finish, json={**mine, "binding": yours["binding"]})
    assert crossed.status_code == 401
    other_code = await site.http.post(finish, json={**yours, "code": mine["code"]})
    assert other_code.status_code == 401

    wrong = await site.there_and_back(await site.http.post("/auth/login/provider"))
    elsewhere = await site.http.post(finish, json={**wrong, "iss": "https://evil.example"})
    assert elsewhere.status_code == 401


async def test_signing_in_and_linking_are_not_the_same(open_site: Open) -> None:
    site = await open_site(configured(**BASIC), client_secret=SECRET)
    bearer = await site.bearer()
    back = await site.there_and_back(await site.http.post("/auth/login/provider"))
    answer = await site.http.post("/auth/account/provider/finish", json=back, headers=bearer)
    assert answer.status_code == 401
    sent = {"password": PASSWORD}
    begun = await site.http.post("/auth/account/provider", json=sent, headers=bearer)
    back = await site.there_and_back(begun)
    assert (await site.http.post("/auth/login/provider/finish", json=back)).status_code == 401
    wrong = {"password": "no"}
    refused = await site.http.post("/auth/account/provider", json=wrong, headers=bearer)
    assert refused.status_code == 401


async def test_a_person_is_one_account(open_site: Open) -> None:
    site = await open_site(configured(**BASIC), client_secret=SECRET)
    await linked(site)
    await linked(site)
    other = replace(dr_adams(), username="dr.baker")
    await site.server.accounts.add(other)
    with pytest.raises(VersionConflict):
        await site.server.provider.link_to(other, PERSON)


async def test_who_may_not(open_site: Open) -> None:
    site = await open_site(configured(**BASIC), client_secret=SECRET, roles=["nurse"])
    account = await site.server.accounts.find(USERNAME)
    assert account is not None
    with pytest.raises(NotPermitted):
        await site.server.provider.link_to(account, PERSON)
    await site.server.accounts.change(USERNAME, roles=("nurse",))
    await linked(site)
    assert (await site.sign_in()).status_code == 200
    await site.server.accounts.change(USERNAME, roles=("clinician",))
    assert (await site.sign_in()).status_code == 403
    await site.server.accounts.change(USERNAME, roles=("nurse",), disabled=True)
    assert (await site.sign_in()).status_code == 401


async def test_an_own_second_factor_is_asked_for(open_site: Open) -> None:
    site = await open_site(configured(**BASIC), client_secret=SECRET)
    await linked(site)
    offer = await site.server.second_factor.offer(USERNAME)
    code = pyotp.TOTP(offer.secret).at(system_clock())
    await site.server.second_factor.confirm(USERNAME, code)
    step = await site.sign_in()
    assert step.status_code == 401
    assert step.json()["error"] == "second_factor_required"
    sent = {
        "continuation": step.json()["continuation"],
        # Of the step ahead: the present one may be spent, and by then this one may be it.
        "code": pyotp.TOTP(offer.secret).at(system_clock() + timedelta(seconds=30)),
    }
    assert (await site.http.post("/auth/login/code", json=sent)).status_code == 200
    page = await site.server.server.store.search({"type": "AuditEvent"}, count=1)
    assert "code after the first factor" in str(page.entries[0].resource())


async def test_without_a_provider_there_is_none(open_site: Open, database: Database) -> None:
    server = await open_fhir_server(
        database,
        FhirSettings(),
        clock=system_clock,
        ids=random_id,
        secret=lambda: secrets.token_urlsafe(32),
    )
    with pytest.raises(NotSupported):
        await server.provider.begin()
    await server.aclose()
