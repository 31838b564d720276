"""Asking for a code and exchanging it. app-launch.html, steps 4 and 5."""

from __future__ import annotations

import pytest

from tests.conformance.smart.site import Site
from tests.fhir_server.smart.flow import REDIRECT, VERIFIER, query

STATE = "7 +&=%/ü-" + "s" * 20


@pytest.mark.requirement(48, 49, 53, 56, 57, 59, 354)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_grant_comes_back_as_a_code(site: Site, method: str) -> None:
    asked = await site.ask("openid user/Patient.rs", method, state=STATE)
    assert asked.status_code in (302, 303)
    id = query(asked.headers["location"])["request"]
    answer = await site.user.post(f"/auth/authorize/{id}", json={"scopes": ["user/Patient.rs"]})
    target = answer.json()["redirect"]
    assert target.startswith(f"{REDIRECT}?")
    back = query(target)
    assert back["state"] == STATE
    assert (await site.exchange(back["code"])).status_code == 200


@pytest.mark.requirement(354)
async def test_a_long_request_by_post(site: Site) -> None:
    scopes = " ".join(f"user/Observation.rs?code=c{number}" for number in range(400))
    assert len(scopes) > 8192
    asked = await site.ask(scopes, "POST")
    assert "request" in query(asked.headers["location"])


@pytest.mark.requirement(54, 56, 59)
async def test_a_denial_comes_back_as_an_error(site: Site) -> None:
    back = await site.decide(await site.ask("user/Patient.rs", state=STATE), scopes=[])
    assert (back["error"], back["state"]) == ("access_denied", STATE)
    assert "code" not in back


@pytest.mark.requirement(14)
async def test_s256(site: Site) -> None:
    assert (await site.exchange(await site.code("user/Patient.rs"))).status_code == 200


@pytest.mark.requirement(15)
@pytest.mark.parametrize("method", ["plain", None])
async def test_plain_is_refused(site: Site, method: str | None) -> None:
    asked = await site.ask("user/*.rs", code_challenge=VERIFIER, code_challenge_method=method)
    assert query(asked.headers["location"])["error"] == "invalid_request"


@pytest.mark.requirement(15, 31)
@pytest.mark.parametrize("verifier", [None, "", "w" * 60, VERIFIER.upper()])
async def test_a_code_needs_its_verifier(site: Site, verifier: str | None) -> None:
    answer = await site.exchange(await site.code("user/Patient.rs"), code_verifier=verifier)
    assert answer.status_code in (400, 401)
    assert "access_token" not in answer.json()


@pytest.mark.requirement(18)
@pytest.mark.parametrize(
    "changes",
    [
        {"redirect_uri": "https://app.example/"},
        {"redirect_uri": f"{REDIRECT}/deeper"},
        {"redirect_uri": f"{REDIRECT}?more=1"},
        {"redirect_uri": "https://other.example/callback"},
        {"redirect_uri": None},
        {"client_id": "unregistered"},
    ],
)
async def test_nobody_is_sent_to_what_is_not_registered(
    site: Site, changes: dict[str, str | None]
) -> None:
    answer = await site.ask("user/Patient.rs", **changes)
    assert answer.status_code == 400
    assert "location" not in answer.headers


@pytest.mark.requirement(18)
async def test_only_a_registered_application_is_launched(site: Site) -> None:
    refused = await site.opened(client="unregistered")
    assert refused.status_code == 400
    made = (await site.opened()).json()
    assert made["launch_url"] == "https://app.example/launch"


@pytest.mark.requirement(96)
@pytest.mark.parametrize(
    "aud", ["https://elsewhere.example/fhir", "http://test", "http://test/fhir/Patient", None]
)
async def test_another_audience_gets_no_code(site: Site, aud: str | None) -> None:
    back = query((await site.ask("user/Patient.rs", aud=aud)).headers["location"])
    assert "error" in back
    assert not {"code", "request"} & back.keys()
