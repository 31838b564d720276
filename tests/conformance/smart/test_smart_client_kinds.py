"""Applications without keys. client-confidential-symmetric.html, conformance.html."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from tests.conformance.smart.site import BASIC, Site, bearer
from tests.fhir_server.smart.flow import REDIRECT, VERIFIER, query


async def registered(site: Site, **more: Any) -> httpx2.Response:
    sent = {"client_name": "Chart", "redirect_uris": [REDIRECT], "scope": "user/*.rs", **more}
    invitation = await site.server.smart.registration.invite("test")
    return await site.browser.post("/auth/register", json=sent, headers=bearer(invitation))


@pytest.mark.requirement(24, 355)
async def test_a_public_application(site: Site) -> None:
    told = (await registered(site, token_endpoint_auth_method="none")).json()
    assert told["redirect_uris"] == [REDIRECT]
    assert "client_secret" not in told
    id = told["client_id"]
    code = await site.code("user/Patient.rs", client_id=id)
    assert (await site.exchange(code, client_id=id)).status_code == 200


@pytest.mark.requirement(18, 24)
@pytest.mark.parametrize(
    "uris", [[], ["/callback"], ["https://app.example/#x"], ["javascript:alert(1)"], ["https://*"]]
)
async def test_addresses_are_registered_whole(site: Site, uris: list[str]) -> None:
    answer = await registered(site, redirect_uris=uris)
    assert answer.status_code == 400
    assert "client_id" not in answer.json()


@pytest.mark.requirement(356)
async def test_an_application_with_a_secret(site: Site) -> None:
    code = query((await _decided(site))["redirect"])["code"]
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": REDIRECT,
        "code_verifier": VERIFIER,
    }
    wrong = {"Authorization": "Basic c2VjcmV0Ondyb25n"}
    for headers, more in (({}, {"client_id": "secret"}), (wrong, {})):
        answer = await site.browser.post("/auth/token", data={**form, **more}, headers=headers)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    answer = await site.browser.post("/auth/token", data=form, headers=BASIC)
    assert answer.status_code == 200
    assert (await site.read("Patient/a", answer.json()["access_token"])).status_code == 200


async def _decided(site: Site) -> dict[str, str]:
    asked = await site.ask("user/Patient.rs", client_id="secret")
    id = query(asked.headers["location"])["request"]
    await site.user.get(f"/auth/authorize/{id}")
    chosen = {"scopes": ["user/Patient.rs"]}
    found: dict[str, str] = (await site.user.post(f"/auth/authorize/{id}", json=chosen)).json()
    return found


@pytest.mark.requirement(344)
@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "none"])
async def test_a_service_has_no_secret(site: Site, method: str) -> None:
    answer = await registered(
        site,
        token_endpoint_auth_method=method,
        grant_types=["client_credentials"],
        redirect_uris=[],
        scope="user/*.rs",
    )
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client_metadata")


@pytest.mark.requirement(344)
async def test_a_secret_gets_no_token_of_a_service(site: Site) -> None:
    form = {"grant_type": "client_credentials", "scope": "system/*.rs"}
    answer = await site.browser.post("/auth/token", data=form, headers=BASIC)
    assert (answer.status_code, answer.json()["error"]) == (400, "unauthorized_client")
