"""Services without a person. backend-services.html."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conformance.asking import ids
from tests.conformance.smart.site import Site


@pytest.mark.requirement(253, 254, 255, 256, 258, 261)
async def test_a_right_request_gets_a_token(site: Site) -> None:
    answer = await site.credentials(site.assertion())
    assert answer.status_code in (200, 201)
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert isinstance(body["access_token"], str)
    assert body["token_type"].lower() == "bearer"
    assert isinstance(body["expires_in"], int)
    assert 0 < body["expires_in"] <= 300
    assert body["scope"] == "system/Patient.rs"
    assert "refresh_token" not in body


@pytest.mark.requirement(240, 250)
@pytest.mark.parametrize(
    "scope", ["system/*.cruds", "system/Condition.s", "user/Patient.rs", "openid", ""]
)
async def test_a_service_gets_nothing_beyond_its_registration(site: Site, scope: str) -> None:
    answer = await site.credentials(site.assertion(), scope)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")


@pytest.mark.requirement(240, 250, 259)
async def test_what_is_granted_may_be_less_than_was_asked(site: Site) -> None:
    body = await site.service("system/Patient.rs system/Patient.cud system/Condition.rs")
    assert body["scope"] == "system/Patient.rs"


@pytest.mark.requirement(241, 266)
async def test_scopes_of_the_request_limit_the_token(site: Site) -> None:
    token = (await site.service("system/Patient.r"))["access_token"]
    assert (await site.read("Patient/a", token)).status_code == 200
    for path in ("Patient", "Observation/a-lab", "Observation"):
        assert (await site.read(path, token)).status_code == 403, path
    assert (await site.call("DELETE", "Patient/a", token)).status_code == 403


@pytest.mark.requirement(241)
async def test_parameters_of_a_scope_limit_it_too(site: Site) -> None:
    token = (await site.service("system/Observation.rs?category=vital-signs"))["access_token"]
    assert ids((await site.read("Observation", token)).json()) == ["a-vital"]
    assert (await site.read("Observation/a-lab", token)).status_code == 404


@pytest.mark.requirement(261, 265)
async def test_a_token_of_a_service_expires(site: Site) -> None:
    body = await site.service()
    with site.clock.later(body["expires_in"] - 60):
        assert (await site.read("Patient/a", body["access_token"])).status_code == 200
    with site.clock.later(body["expires_in"]):
        assert (await site.read("Patient/a", body["access_token"])).status_code == 401


@pytest.mark.requirement(251)
@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"grant_type": "not_a_grant_type"}, 400, "unsupported_grant_type"),
        ({"grant_type": ""}, 400, "invalid_request"),
        ({"grant_type": "authorization_code", "code": "x"}, 400, "unauthorized_client"),
        ({"scope": "nonsense"}, 400, "invalid_scope"),
        ({"client_assertion_type": "not_an_assertion_type"}, 401, "invalid_client"),
        ({"client_assertion": "a.b.c"}, 401, "invalid_client"),
        ({"client_secret": "both"}, 400, "invalid_request"),
    ],
)
async def test_errors_are_those_of_oauth(
    site: Site, changes: dict[str, str], status: int, error: str
) -> None:
    scope = changes.get("scope", "system/Patient.rs")
    answer = await site.credentials(site.assertion(), **{**changes, "scope": scope})
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("application/json")
    body = answer.json()
    assert body["error"] == error
    assert body["error_description"]


@pytest.mark.requirement(249, 340)
@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "http://test/fhir"},
        {"exp": 1},
        {"exp": None},
        {"iss": "nobody", "sub": "nobody"},
        {"sub": "app"},
        {"jti": None},
        {"kid": None},
        {"kid": "unknown"},
        {"kid": "curve"},
    ],
)
async def test_the_assertion_is_validated(site: Site, changes: dict[str, Any]) -> None:
    answer = await site.credentials(site.assertion(**changes))
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
