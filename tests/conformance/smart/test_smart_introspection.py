"""Introspection. token-introspection.html; RFC 7662."""

from __future__ import annotations

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.conformance.smart.site import BASIC, Site, bearer

SCOPE = "openid fhirUser offline_access patient/Patient.rs"
CONTEXT = ("patient", "encounter", "intent", "tenant", "need_patient_banner", "smart_style_url")


@pytest.mark.requirement(271, 272, 273, 274, 275, 276, 282)
async def test_an_active_token(site: Site) -> None:
    before = site.clock().timestamp()
    body = await site.granted(SCOPE, "a")
    after = site.clock().timestamp()
    told = await site.introspected(body["access_token"], by=body["access_token"])
    assert told["active"] is True
    assert set(told["scope"].split()) == set(body["scope"].split())
    assert told["client_id"] == "app"
    assert type(told["exp"]) is int
    assert before - 1 <= told["exp"] - body["expires_in"] <= after + 1


@pytest.mark.requirement(271, 272)
async def test_an_inactive_token(site: Site) -> None:
    body = await site.granted(SCOPE, "a")
    asking = (await site.service())["access_token"]
    assert await site.introspected("made-up", by=asking) == {"active": False}
    sent = {"token": body["access_token"], "client_id": "app"}
    assert (await site.browser.post("/auth/revoke", data=sent)).status_code == 200
    assert await site.introspected(body["access_token"], by=asking) == {"active": False}


@pytest.mark.requirement(272, 276)
async def test_an_expired_token(site: Site) -> None:
    body = await site.granted(SCOPE, "a")
    with site.clock.later(body["expires_in"]):
        asking = (await site.service())["access_token"]
        assert await site.introspected(body["access_token"], by=asking) == {"active": False}


@pytest.mark.requirement(277)
async def test_the_launch_context_is_repeated(site: Site) -> None:
    items = [{"reference": "ImagingStudy/i1"}]
    body = await site.launched(
        "launch patient/*.rs", patient="a", encounter="a-visit", intent="i", fhirContext=items
    )
    told = await site.introspected(body["access_token"], by=body["access_token"])
    for name in (*CONTEXT, "fhirContext"):
        assert told[name] == body[name], name


@pytest.mark.requirement(278, 279)
async def test_claims_of_the_id_token_are_repeated(site: Site) -> None:
    body = await site.answer(SCOPE, "a")
    keys = KeySet.import_key_set((await site.browser.get("/auth/jwks")).json())
    claims = jwt.decode(body["id_token"], keys, algorithms=["RS256"]).claims
    told = await site.introspected(body["access_token"], by=body["access_token"])
    assert (told["iss"], told["sub"]) == (claims["iss"], claims["sub"])
    assert told["fhirUser"] == claims["fhirUser"]


@pytest.mark.requirement(282, 283)
async def test_a_bearer_introspects_the_tokens_of_others(site: Site) -> None:
    token = await site.allowed(SCOPE, "a")
    backend = (await site.service())["access_token"]
    assert (await site.introspected(token, by=backend))["client_id"] == "app"
    assert (await site.introspected(backend, by=token))["client_id"] == "backend"


@pytest.mark.requirement(271)
async def test_who_may_ask(site: Site) -> None:
    sent = {"token": await site.allowed(SCOPE, "a")}
    by_secret = await site.browser.post("/auth/introspect", data=sent, headers=BASIC)
    assert by_secret.json()["active"] is True
    for headers in ({}, bearer("made-up")):
        answer = await site.browser.post("/auth/introspect", data=sent, headers=headers)
        assert answer.status_code == 401


async def test_who_it_is_is_told_only_when_granted(site: Site) -> None:
    body = await site.granted("openid patient/Patient.rs", "a")
    told = await site.introspected(body["access_token"], by=body["access_token"])
    assert told["active"] is True
    assert "fhirUser" not in told
