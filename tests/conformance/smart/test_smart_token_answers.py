"""What the token endpoint answers, and what an access token opens. app-launch.html, steps 5, 6."""

from __future__ import annotations

import re

import httpx2
import pytest

from tests.conformance.smart.site import Site

# RFC 6749 appendix A.12 and RFC 6750 2.1 (b64token), of which the second is narrower.
B64TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
OFFLINE = "openid offline_access user/Patient.rs"


async def exchanged(site: Site, scope: str) -> httpx2.Response:
    return await site.exchange(await site.code(scope))


@pytest.mark.requirement(73, 74, 75, 78, 84, 85, 86, 87, 88)
async def test_the_answer(site: Site) -> None:
    answer = await exchanged(site, "openid user/Patient.rs")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["pragma"] == "no-cache"
    body = answer.json()
    assert B64TOKEN.fullmatch(body["access_token"])
    assert body["token_type"] == "Bearer"
    assert set(body["scope"].split()) == {"openid", "user/Patient.rs"}
    assert isinstance(body["expires_in"], int)
    assert 0 < body["expires_in"] <= 3600


@pytest.mark.requirement(73, 86, 87)
async def test_a_refusal(site: Site) -> None:
    answer = await site.exchange("made-up")
    assert answer.status_code == 400
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["pragma"] == "no-cache"
    assert answer.json()["error"] == "invalid_grant"


@pytest.mark.requirement(78)
async def test_scope_is_what_was_granted(site: Site) -> None:
    asked = await site.ask("openid user/Patient.cruds user/Condition.rs")
    back = await site.decide(asked, scopes=["user/Patient.r"])
    body = (await site.exchange(back["code"])).json()
    assert body["scope"] == "user/Patient.r"
    assert (await site.read("Condition/a-ill", body["access_token"])).status_code == 403


@pytest.mark.requirement(89)
@pytest.mark.parametrize(
    ("scope", "refreshed"),
    [("offline_access", True), ("online_access", True), ("openid", False)],
)
async def test_a_refresh_token_comes_by_scope(site: Site, scope: str, refreshed: bool) -> None:
    body = await site.answer(f"{scope} user/Patient.rs")
    assert ("refresh_token" in body) is refreshed


@pytest.mark.requirement(77, 88, 94)
async def test_an_expired_token_opens_nothing(site: Site) -> None:
    body = await site.granted("user/Patient.rs")
    with site.clock.later(body["expires_in"] - 60):
        assert (await site.read("Patient/a", body["access_token"])).status_code == 200
    with site.clock.later(body["expires_in"]):
        for path in ("Patient/a", "Patient", "Patient/a/_history"):
            answer = await site.read(path, body["access_token"])
            assert answer.status_code == 401
            assert 'error="invalid_token"' in answer.headers["www-authenticate"]


@pytest.mark.requirement(94)
@pytest.mark.parametrize("token", ["made-up", ".", "x" * 4000])
async def test_a_made_up_token_opens_nothing(site: Site, token: str) -> None:
    assert (await site.read("Patient/a", token)).status_code == 401


@pytest.mark.requirement(95)
@pytest.mark.parametrize(
    ("method", "path", "letter"),
    [
        ("GET", "Condition/a-ill", "r"),
        ("GET", "Condition/a-ill/_history", "r"),
        ("GET", "Condition/a-ill/_history/1", "r"),
        ("GET", "Condition", "s"),
        ("GET", "Condition/_history", "s"),
        ("POST", "Condition", "c"),
        ("PUT", "Condition/a-ill", "u"),
        ("DELETE", "Condition/nothing", "d"),
    ],
)
async def test_a_token_opens_what_its_scope_says(
    site: Site, method: str, path: str, letter: str
) -> None:
    body = (await site.user.get("/fhir/Condition/a-ill")).json() if letter in "cu" else None
    without = "cruds".replace(letter, "")
    for scope in (f"user/Condition.{without}", "user/Patient.cruds"):
        answer = await site.call(method, path, await site.allowed(scope), body)
        assert answer.status_code == 403, scope
    answer = await site.call(method, path, await site.allowed(f"user/Condition.{letter}"), body)
    assert answer.status_code < 300, answer.text


@pytest.mark.requirement(247)
async def test_what_needs_a_token(site: Site) -> None:
    for path in ("metadata", ".well-known/smart-configuration"):
        assert (await site.browser.get(f"/fhir/{path}")).status_code == 200
    for path in ("Patient/a", "Patient", "", "_history", "Patient/a/$everything"):
        answer = await site.browser.get(f"/fhir/{path}" if path else "/fhir")
        assert answer.status_code == 401, path
        assert answer.headers["www-authenticate"].startswith("Bearer")
