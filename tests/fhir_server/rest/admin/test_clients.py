"""Applications as administrators look after them, over HTTP."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fhir_server.auth.smart.clients.credentials import has_secret
from tests.fhir_server.rest.admin.conftest import Clinic, Headers
from tests.fhir_server.smart.flow import public_client

BASE = "/api/admin/clients/chart"


@pytest.fixture
async def admin(clinic: Clinic) -> Headers:
    return await clinic.token("admin")


async def test_approved_narrowed_disabled_removed(clinic: Clinic, admin: Headers) -> None:
    listed = (await clinic.http.get("/api/admin/clients", headers=admin)).json()["clients"]
    assert [(one["client_id"], one["status"]) for one in listed] == [("chart", "pending")]
    assert "hash" not in str(listed)
    more = await clinic.http.post(
        f"{BASE}/approve", json={"scope": "openid unheard/of"}, headers=admin
    )
    assert more.status_code == 400
    told = await clinic.http.post(f"{BASE}/approve", json={}, headers=admin)
    assert told.json()["status"] == "active"
    wrong = await clinic.http.post(
        f"{BASE}/scope", json={"scope": "openid everything"}, headers=admin
    )
    assert wrong.status_code == 400
    account = await clinic.server.accounts.find("clinician")
    assert account is not None
    token = await clinic.server.authenticator.issue_for(
        account, scope="user/*.rs", lifetime=300, client="chart"
    )
    bearer = {"Authorization": f"Bearer {token.access_token}"}
    assert (await clinic.http.get("/fhir/Patient", headers=bearer)).status_code == 200
    told = await clinic.http.post(
        f"{BASE}/scope", json={"scope": "openid patient/*.rs"}, headers=admin
    )
    assert told.json()["scope"] == "openid patient/*.rs"
    assert (await clinic.http.get("/fhir/Patient", headers=bearer)).status_code == 401
    told = await clinic.http.post(f"{BASE}/disable", headers=admin)
    assert told.json()["status"] == "disabled"
    assert (await clinic.http.get(BASE, headers=admin)).json()["status"] == "disabled"
    assert (await clinic.http.delete(BASE, headers=admin)).status_code == 204
    assert (await clinic.http.get(BASE, headers=admin)).status_code == 404
    assert (await clinic.http.delete(BASE, headers=admin)).status_code == 404


async def test_who_is_approved_for_less_loses_what_was_given_before(
    clinic: Clinic, admin: Headers
) -> None:
    account = await clinic.server.accounts.find("clinician")
    assert account is not None
    token = await clinic.server.authenticator.issue_for(
        account, scope="user/*.rs", lifetime=300, client="chart"
    )
    bearer = {"Authorization": f"Bearer {token.access_token}"}
    for scope, status in (({}, 200), ({"scope": "openid user/Observation.rs"}, 401)):
        told = await clinic.http.post(f"{BASE}/approve", json=scope, headers=admin)
        assert told.status_code == 200
        assert (await clinic.http.get("/fhir/Patient", headers=bearer)).status_code == status


async def test_a_new_secret(clinic: Clinic, admin: Headers) -> None:
    none = await clinic.http.post(f"{BASE}/secret", json={}, headers=admin)
    assert none.status_code == 409
    await clinic.server.smart.clients.add(
        replace(public_client("portal"), method="client_secret_basic")
    )
    told = await clinic.http.post("/api/admin/clients/portal/secret", json={}, headers=admin)
    client = await clinic.server.smart.clients.find("portal")
    assert client is not None
    assert has_secret(client, told.json()["client_secret"], clinic.server.server.store.now())


async def test_invitations(clinic: Clinic, admin: Headers) -> None:
    sent = {"owner": "Dr Adams", "scope": "openid patient/*.rs", "days": 3}
    made = await clinic.post("admin/invitations", sent, admin)
    assert made.status_code == 201
    listed = (await clinic.http.get("/api/admin/invitations", headers=admin)).json()
    assert [one["owner"] for one in listed["invitations"]] == ["Dr Adams"]
    assert made.json()["token"] not in str(listed)
    id = made.json()["id"]
    gone = [
        (await clinic.http.delete(f"/api/admin/invitations/{id}", headers=admin)).status_code
        for _ in range(2)
    ]
    assert gone == [204, 404]
    registered = await clinic.http.post(
        "/auth/register",
        json={"client_name": "App", "redirect_uris": ["https://app.example/cb"]},
        headers={"Authorization": f"Bearer {made.json()['token']}"},
    )
    assert registered.status_code == 401


async def test_what_widens_asks_for_a_recent_sign_in(clinic: Clinic, admin: Headers) -> None:
    clinic.move(minutes=6)
    for path, sent in (
        ("clients/chart/approve", {}),
        ("clients/chart/scope", {"scope": "openid"}),
        ("clients/chart/secret", {}),
        ("invitations", {"owner": "Dr Adams", "scope": "openid"}),
    ):
        answer = await clinic.post(f"admin/{path}", sent, admin)
        assert (answer.status_code, answer.json()["issue"][0]["code"]) == (403, "login")
    assert (await clinic.post("admin/clients/chart/disable", {}, admin)).status_code == 200
