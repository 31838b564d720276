"""Refreshing access. app-launch.html, step 7."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from tests.accounts import PASSWORD, USERNAME
from tests.conformance.smart.site import Site, bearer

OFFLINE = "offline_access user/Patient.rs user/Condition.rs"
MONTH = 30 * 24 * 3600


@pytest.mark.requirement(101, 109, 110, 111, 112, 113, 114, 365, 86, 87)
async def test_offline_access_goes_on_without_the_person(site: Site) -> None:
    first = await site.granted(OFFLINE)
    with site.clock.later(MONTH):
        assert (await site.user.get("/auth/grants")).status_code == 401
        answer = await site.refresh(first["refresh_token"])
        second = answer.json()
        assert (await site.read("Patient/a", second["access_token"])).status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["pragma"] == "no-cache"
    assert second["access_token"] not in ("", first["access_token"])
    assert second["token_type"].lower() == "bearer"
    assert second["expires_in"] == 3600
    assert second["scope"] == first["scope"]


@pytest.mark.requirement(100, 366)
async def test_online_access_goes_on_until_the_person_leaves(site: Site) -> None:
    credentials = {"username": USERNAME, "password": PASSWORD}
    other = (await site.browser.post("/auth/login", json=credentials)).json()["access_token"]
    asked = await site.ask("online_access user/Patient.rs")
    id = asked.headers["location"].partition("request=")[2]
    for step in ("GET", "POST"):
        body = {"scopes": ["online_access", "user/Patient.rs"]} if step == "POST" else None
        answer = await site.browser.request(
            step, f"/auth/authorize/{id}", json=body, headers=bearer(other)
        )
    code = answer.json()["redirect"].partition("code=")[2].partition("&")[0]
    first = (await site.exchange(code)).json()
    with ExitStack() as work:
        for _ in range(10):  # two hours in which the person does something now and then
            work.enter_context(site.clock.later(12 * 60))
            assert (await site.browser.get("/auth/me", headers=bearer(other))).status_code == 200
        second = (await site.refresh(first["refresh_token"])).json()
        assert (await site.read("Patient/a", second["access_token"])).status_code == 200
    await site.browser.post("/auth/logout", headers=bearer(other))
    assert (await site.refresh(second["refresh_token"])).json()["error"] == "invalid_grant"


@pytest.mark.requirement(103)
async def test_another_client_cannot_use_it(site: Site) -> None:
    token = (await site.granted(OFFLINE))["refresh_token"]
    refused = await site.refresh(token, client_id="other")
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    assert (await site.refresh(token)).status_code == 200


@pytest.mark.requirement(104)
@pytest.mark.parametrize("scope", ["user/*.rs", "user/Patient.cruds", "patient/Patient.rs"])
async def test_it_gives_no_more(site: Site, scope: str) -> None:
    token = (await site.granted(OFFLINE))["refresh_token"]
    refused = await site.refresh(token, scope=scope)
    assert refused.json()["error"] == "invalid_scope"


@pytest.mark.requirement(104, 113)
async def test_it_may_give_less(site: Site) -> None:
    token = (await site.granted(OFFLINE))["refresh_token"]
    body = (await site.refresh(token, scope="user/Patient.r")).json()
    assert body["scope"] == "user/Patient.r"
    assert (await site.read("Condition/a-ill", body["access_token"])).status_code == 403


@pytest.mark.requirement(109, 114, 115)
async def test_it_gives_what_was_granted_not_what_was_asked(site: Site) -> None:
    asked = await site.ask(f"{OFFLINE} user/Observation.cruds")
    back = await site.decide(asked, scopes=["offline_access", "user/Patient.r"])
    first = (await site.exchange(back["code"])).json()
    second = (await site.refresh(first["refresh_token"])).json()
    assert first["scope"] == second["scope"] == "offline_access user/Patient.r"
