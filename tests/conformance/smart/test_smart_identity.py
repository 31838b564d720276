"""Who has signed in. scopes-and-launch-context.html, scopes for requesting identity data."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.accounts import dr_adams
from tests.conformance.asking import Json
from tests.conformance.smart.site import Site, bearer

SCOPE = "openid fhirUser user/Patient.rs"


async def decoded(site: Site, text: str) -> jwt.Token:
    published = (await site.browser.get((await site.configuration())["jwks_uri"])).json()
    return jwt.decode(text, KeySet.import_key_set(published), algorithms=["RS256"])


@pytest.mark.requirement(200, 205, 209, 210, 358)
async def test_the_id_token(site: Site) -> None:
    code = await site.code(SCOPE, nonce="n-1")
    body = (await site.exchange(code)).json()
    token = await decoded(site, body["id_token"])
    assert token.header["alg"] == "RS256"
    stated = await site.configuration()
    now = site.clock().timestamp()
    claims = token.claims
    assert (claims["iss"], claims["aud"], claims["nonce"]) == (stated["issuer"], "app", "n-1")
    assert claims["iat"] <= now < claims["exp"]
    assert 0 < len(claims["sub"]) <= 255
    assert claims["fhirUser"] == "http://test/fhir/Practitioner/p1"


@pytest.mark.requirement(198, 209)
async def test_fhir_user_can_be_read(site: Site) -> None:
    body = await site.answer(SCOPE)
    address = (await decoded(site, body["id_token"])).claims["fhirUser"]
    answer = await site.browser.get(address, headers=bearer(body["access_token"]))
    people = ("Patient", "Practitioner", "PractitionerRole", "RelatedPerson", "Person")
    assert answer.json()["resourceType"] in people


@pytest.mark.requirement(200, 209)
async def test_identity_comes_by_scope(site: Site) -> None:
    assert "id_token" not in await site.answer("user/Patient.rs")
    body = await site.answer("openid user/Patient.rs")
    assert "fhirUser" not in (await decoded(site, body["id_token"])).claims


@pytest.mark.requirement(197, 198)
async def test_who_is_no_person_has_no_fhir_user(site: Site) -> None:
    account = replace(dr_adams(), username="monitor", reference="Device/m1")
    await site.server.accounts.add(account)
    token = (await site.server.authenticator.issue(account)).access_token
    async with httpx2.AsyncClient(
        transport=site.browser._transport, base_url="http://test", headers=bearer(token)
    ) as user:
        body = await replace(site, user=user, held={}).granted(SCOPE)
    assert body["scope"] == "openid user/Patient.rs"
    assert "fhirUser" not in (await decoded(site, body["id_token"])).claims


@pytest.mark.requirement(205)
async def test_openid_connect_goes_by_the_code_flow(site: Site) -> None:
    found = (await site.browser.get("/.well-known/openid-configuration")).json()
    stated = await site.configuration()
    for name in ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri"):
        assert found[name] == stated[name]
    assert found["response_types_supported"] == ["code"]
    assert "RS256" in found["id_token_signing_alg_values_supported"]


@pytest.mark.requirement(207, 210)
async def test_keys_are_bare_and_public(site: Site) -> None:
    keys: list[Json] = (await site.browser.get("/auth/jwks")).json()["keys"]
    assert [one for one in keys if one["kty"] == "RSA"]
    for key in keys:
        assert key["kid"]
        assert not {"d", "p", "q", "dp", "dq", "qi", "k"} & key.keys()
    header: dict[str, Any] = (await decoded(site, (await site.answer(SCOPE))["id_token"])).header
    assert header["kid"] in {key["kid"] for key in keys}
