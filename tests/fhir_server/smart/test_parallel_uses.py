"""What may be used once, used twenty times at once: exactly one success."""

from __future__ import annotations

import asyncio

import pytest
from joserfc.jwk import RSAKey

from fhir_server.clock import system_clock
from tests.conformance.smart.applications import service
from tests.fhir_server.smart.clients.asserting import claims, form, public, signed
from tests.fhir_server.smart.flow import App, query

TIMES = 20


async def test_of_twenty_uses_of_an_assertion_one_gets_a_token(app: App) -> None:
    key = RSAKey.generate_key(2048)
    keys = {"keys": [public(key, kid="one")]}
    await app.server.smart.clients.add(service("backend", jwks=keys))
    told = claims(system_clock(), aud="http://test/auth/token", iss="backend", sub="backend")
    assertion = signed(key, told, "RS384", kid="one")
    sent = form(assertion, grant_type="client_credentials", scope="system/Patient.rs")
    answers = await asyncio.gather(*(app.token(sent) for _ in range(TIMES)))
    assert [answer.status_code for answer in answers].count(200) == 1
    refused = [answer.json()["error"] for answer in answers if answer.status_code != 200]
    assert refused == ["invalid_client"] * (TIMES - 1)


async def test_of_twenty_uses_of_an_invitation_one_registers(app: App) -> None:
    invitation = await app.server.smart.registration.invite("owner", scopes=None, days=1)
    sent = {
        "client_name": "Once",
        "redirect_uris": ["https://once.example/callback"],
        "token_endpoint_auth_method": "none",
        "scope": "openid user/Patient.rs",
    }
    headers = {"Authorization": f"Bearer {invitation}"}

    async def register() -> int:
        answer = await app.browser.post("/auth/register", json=sent, headers=headers)
        return answer.status_code

    codes = await asyncio.gather(*(register() for _ in range(TIMES)))
    assert sorted(codes) == [201] + [401] * (TIMES - 1)
    named = [one for one in await app.server.smart.clients.all() if one.name == "Once"]
    assert len(named) == 1


async def test_of_twenty_uses_of_a_launch_one_goes_on(app: App) -> None:
    made = (await app.user.post("/auth/launches", json={"client": "app", "patient": "a"})).json()
    asked = await asyncio.gather(
        *(app.ask("launch patient/Patient.rs", launch=made["launch"]) for _ in range(TIMES))
    )
    places = [query(answer.headers["location"]) for answer in asked]
    assert sum("request" in one for one in places) == 1
    errors = [one["error"] for one in places if "error" in one]
    assert errors == ["invalid_request"] * (TIMES - 1)


@pytest.mark.parametrize("scopes", [["user/Patient.rs"], []], ids=["yes", "no"])
async def test_of_twenty_answers_to_a_request_one_counts(app: App, scopes: list[str]) -> None:
    id = query((await app.ask("user/Patient.rs")).headers["location"])["request"]
    answers = await asyncio.gather(
        *(app.user.post(f"/auth/authorize/{id}", json={"scopes": scopes}) for _ in range(TIMES))
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * (TIMES - 1)
