"""What the server states of itself. conformance.html, client-confidential-asymmetric.html."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from tests.conformance.smart.site import Site

ADDRESS = "/fhir/.well-known/smart-configuration"
ANY = "https://anybody.example"


@pytest.mark.requirement(30, 372, 373, 377, 380)
async def test_the_document_is_below_the_fhir_base(site: Site) -> None:
    answer = await site.browser.get(ADDRESS)
    assert answer.status_code == 200
    assert answer.headers["content-type"].partition(";")[0] == "application/json"
    stated = answer.json()
    assert {"authorization_endpoint", "token_endpoint", "capabilities"} <= stated.keys()


@pytest.mark.requirement(374, 377)
@pytest.mark.parametrize("accept", ["text/html", "application/fhir+xml", "image/png", "", None])
async def test_it_is_json_whatever_accept_says(site: Site, accept: str | None) -> None:
    headers = {} if accept is None else {"Accept": accept}
    answer = await site.browser.get(ADDRESS, headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.json() == await site.configuration()


@pytest.mark.requirement(378, 381, 382, 383, 385, 286)
async def test_addresses_are_absolute(site: Site) -> None:
    stated = await site.configuration()
    named = {name for name in stated if name.endswith(("_endpoint", "_uri"))}
    assert {"authorization_endpoint", "token_endpoint", "jwks_uri"} <= named
    for name in {*named, "issuer"}:
        parts = urlsplit(stated[name])
        assert parts.scheme in ("http", "https"), name
        assert parts.netloc, name


@pytest.mark.requirement(382, 383, 385)
async def test_what_is_stated_is_there(site: Site) -> None:
    stated = await site.configuration()
    assert (await site.browser.get(stated["jwks_uri"])).json()["keys"]
    asked = await site.browser.get(stated["authorization_endpoint"], params=site.request("openid"))
    assert asked.status_code == 303
    code = (await site.decide(asked))["code"]
    form = {"grant_type": "authorization_code", "code": code, "client_id": "app"}
    refused = await site.browser.post(stated["token_endpoint"], data=form)
    assert refused.json()["error"] == "invalid_grant"


@pytest.mark.requirement(381)
async def test_the_issuer_is_that_of_openid_connect(site: Site) -> None:
    issuer = (await site.configuration())["issuer"]
    found = (await site.browser.get(f"{issuer}/.well-known/openid-configuration")).json()
    assert found["issuer"] == issuer


@pytest.mark.requirement(384)
async def test_grant_types(site: Site) -> None:
    stated = await site.configuration()
    assert {"authorization_code", "client_credentials"} <= set(stated["grant_types_supported"])


@pytest.mark.requirement(14, 15, 394)
async def test_challenge_methods(site: Site) -> None:
    stated = await site.configuration()
    assert "S256" in stated["code_challenge_methods_supported"]
    assert "plain" not in stated["code_challenge_methods_supported"]


CLIENTS = {"client-public", "client-confidential-symmetric"}


@pytest.mark.requirement(348, 349, 350, 351, 393)
@pytest.mark.parametrize(
    "needed",
    [
        {"launch-standalone", "context-standalone-patient", "permission-patient"},
        {"launch-ehr", "context-ehr-patient", "permission-patient"},
        {"launch-standalone", "permission-user", "permission-patient"},
        {
            "launch-ehr",
            "context-ehr-patient",
            "context-ehr-encounter",
            "permission-user",
            "permission-patient",
        },
    ],
    ids=["patient-standalone", "patient-ehr", "clinician-standalone", "clinician-ehr"],
)
async def test_capability_sets_are_whole(site: Site, needed: set[str]) -> None:
    listed = (await site.configuration())["capabilities"]
    assert all(isinstance(one, str) and one for one in listed)
    assert needed <= set(listed)
    assert CLIENTS & set(listed)


@pytest.mark.requirement(228, 285, 286, 287, 288, 289)
async def test_services_find_what_they_need(site: Site) -> None:
    stated = await site.configuration()
    assert "client-confidential-asymmetric" in stated["capabilities"]
    assert stated["token_endpoint"] == "http://test/auth/token"
    assert any(one.startswith("system/") for one in stated["scopes_supported"])
    assert "private_key_jwt" in stated["token_endpoint_auth_methods_supported"]
    algorithms = set(stated["token_endpoint_auth_signing_alg_values_supported"])
    assert {"RS384", "ES384"} & algorithms


@pytest.mark.requirement(16)
@pytest.mark.parametrize("path", [ADDRESS, "/fhir/metadata"])
async def test_any_page_may_read_it(site: Site, path: str) -> None:
    asked = {"Origin": ANY, "Access-Control-Request-Method": "GET"}
    preflight = await site.browser.options(path, headers=asked)
    answer = await site.browser.get(path, headers={"Origin": ANY})
    assert answer.status_code == 200
    for one in (preflight, answer):
        assert one.headers["access-control-allow-origin"] in (ANY, "*")


@pytest.mark.requirement(17)
async def test_registered_pages_may_call(site: Site) -> None:
    token = await site.allowed("user/Patient.rs")
    for origin in ("https://app.example", "https://other.example"):
        asked = {
            "Origin": origin,
            "Access-Control-Request-Method": "GET",
            "Access-Control-Request-Headers": "authorization",
        }
        preflight = await site.browser.options("/fhir/Patient/a", headers=asked)
        assert preflight.headers["access-control-allow-origin"] in (origin, "*")
        assert "authorization" in preflight.headers["access-control-allow-headers"].lower()
        headers = {"Origin": origin, "Authorization": f"Bearer {token}"}
        read = await site.browser.get("/fhir/Patient/a", headers=headers)
        exchange = await site.browser.post(
            "/auth/token", data={"client_id": "app"}, headers={"Origin": origin}
        )
        for one in (read, exchange):
            assert one.headers["access-control-allow-origin"] in (origin, "*")
