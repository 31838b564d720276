"""The token endpoint. RFC 6749 4.1.3, 4.4, 6; RFC 7636, 7009, 7662; SMART App Launch 2.2."""

from __future__ import annotations

import asyncio
import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from fhir_server.auth.smart.clients.credentials import hashed
from fhir_server.store.smart.clients import HashedSecret
from tests.fhir_server.smart.flow import App, public_client

OFFLINE = "openid fhirUser offline_access user/Patient.rs"


async def test_the_answer(app: App) -> None:
    answer = await app.exchange(await app.code(OFFLINE))
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["pragma"] == "no-cache"
    body = answer.json()
    assert body["token_type"] == "Bearer"
    assert body["expires_in"] == 3600
    assert body["scope"] == OFFLINE
    assert {"access_token", "refresh_token", "id_token"} <= body.keys()
    assert (await app.read("Patient/a", body["access_token"])).status_code == 200


async def test_the_id_token(app: App) -> None:
    body = (await app.exchange(await app.code(OFFLINE, nonce="n1"))).json()
    keys = KeySet.import_key_set((await app.browser.get("/auth/jwks")).json())
    token = jwt.decode(body["id_token"], keys, algorithms=["RS256"])
    assert token.header["kid"]
    assert token.claims["iss"] == "http://test"
    assert token.claims["aud"] == "app"
    assert token.claims["nonce"] == "n1"
    assert token.claims["fhirUser"] == "http://test/fhir/Practitioner/p1"
    # Whoever is granted fhirUser may read that one resource.
    answer = await app.read("Practitioner/p1", body["access_token"])
    assert answer.status_code == 200


async def test_without_openid_there_is_no_id_token(app: App) -> None:
    body = await app.granted("user/Patient.rs")
    assert not {"id_token", "refresh_token"} & body.keys()


@pytest.mark.parametrize(
    "changes",
    [
        {"code": "wrong"},
        {"code_verifier": None},
        {"code_verifier": "w" * 60},
        {"code_verifier": "short"},
        {"redirect_uri": "https://app.example/other"},
        {"redirect_uri": None},
    ],
)
async def test_what_does_not_prove_the_code(app: App, changes: dict[str, str | None]) -> None:
    code = await app.code("openid")
    changes = {**changes}
    answer = await app.exchange(changes.pop("code", None) or code, **changes)
    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_grant"
    assert answer.headers["cache-control"] == "no-store"


async def test_another_clients_code(app: App) -> None:
    await app.server.smart.clients.add(public_client("other"))
    code = await app.code("openid")
    assert (await app.exchange(code, client_id="other")).json()["error"] == "invalid_grant"
    assert (await app.exchange(code, client_id="nobody")).json()["error"] == "invalid_client"


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"client_id": "app"}, "invalid_request"),
        ({"client_id": "app", "grant_type": "password"}, "unsupported_grant_type"),
        ({"client_id": "app", "grant_type": "client_credentials"}, "unauthorized_client"),
    ],
)
async def test_other_grants(app: App, form: dict[str, str], error: str) -> None:
    answer = await app.token(form)
    assert (answer.status_code, answer.json()["error"]) == (400, error)


async def test_a_code_used_twice_ends_what_came_of_it(app: App) -> None:
    code = await app.code(OFFLINE)
    body = (await app.exchange(code)).json()
    assert (await app.exchange(code)).json()["error"] == "invalid_grant"
    assert (await app.read("Patient/a", body["access_token"])).status_code == 401
    assert (await app.refresh(body["refresh_token"])).json()["error"] == "invalid_grant"


async def test_of_twenty_exchanges_at_once_one_succeeds(app: App) -> None:
    code = await app.code(OFFLINE)
    answers = await asyncio.gather(*(app.exchange(code) for _ in range(20)))
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 19


async def test_refresh_rotates(app: App) -> None:
    first = await app.granted(OFFLINE)
    second = (await app.refresh(first["refresh_token"])).json()
    assert second["refresh_token"] != first["refresh_token"]
    assert second["scope"] == OFFLINE
    assert (await app.read("Patient/a", second["access_token"])).status_code == 200
    assert (await app.refresh(first["refresh_token"])).json()["error"] == "invalid_grant"
    # The reuse ended all of it.
    assert (await app.refresh(second["refresh_token"])).json()["error"] == "invalid_grant"
    assert (await app.read("Patient/a", second["access_token"])).status_code == 401


async def test_of_twenty_refreshes_at_once_one_succeeds(app: App) -> None:
    token = (await app.granted(OFFLINE))["refresh_token"]
    answers = await asyncio.gather(*(app.refresh(token) for _ in range(20)))
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 19


async def test_refresh_narrows_and_never_widens(app: App) -> None:
    token = (await app.granted(OFFLINE))["refresh_token"]
    wider = await app.refresh(token, scope="user/*.cruds")
    assert wider.json()["error"] == "invalid_scope"
    narrow = (await app.refresh(token, scope="user/Patient.r")).json()
    assert narrow["scope"] == "user/Patient.r"
    again = (await app.refresh(narrow["refresh_token"])).json()
    assert again["scope"] == OFFLINE


async def test_a_used_refresh_token_ends_its_grant_whatever_scope_it_comes_with(app: App) -> None:
    first = await app.granted(OFFLINE)
    second = (await app.refresh(first["refresh_token"])).json()
    again = await app.refresh(first["refresh_token"], scope="user/*.cruds")
    assert again.json()["error"] == "invalid_grant"
    assert (await app.read("Patient/a", second["access_token"])).status_code == 401


async def test_another_clients_refresh_token(app: App) -> None:
    await app.server.smart.clients.add(public_client("other"))
    token = (await app.granted(OFFLINE))["refresh_token"]
    assert (await app.refresh(token, client_id="other")).json()["error"] == "invalid_grant"
    assert (await app.refresh(token)).status_code == 200


async def test_a_refresh_token_names_its_public_client(app: App) -> None:
    token = (await app.granted(OFFLINE))["refresh_token"]
    sent = {"grant_type": "refresh_token", "refresh_token": token}
    for named in ("x" + token, ""):
        unknown = await app.token({**sent, "refresh_token": named})
        assert (unknown.status_code, unknown.json()["error"]) == (400, "invalid_grant")
    again = await app.token({**sent, "client_id": ""})
    assert again.status_code == 200, again.text
    # Used twice it still ends all of the grant.
    assert (await app.token(sent)).json()["error"] == "invalid_grant"
    assert (await app.refresh(again.json()["refresh_token"])).json()["error"] == "invalid_grant"


async def test_a_refresh_token_is_no_authentication(app: App) -> None:
    token = (await app.granted(OFFLINE))["refresh_token"]
    clients = app.server.smart.clients
    client = await clients.find("app")
    assert client is not None
    await clients.replace(replace(client, method="client_secret_basic"))
    answer = await app.token({"grant_type": "refresh_token", "refresh_token": token})
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


async def test_the_context_is_repeated(app: App) -> None:
    body = await app.granted("offline_access patient/*.rs", "a")
    assert (await app.refresh(body["refresh_token"])).json()["patient"] == "a"


async def test_online_access_ends_with_the_session(app: App) -> None:
    body = await app.granted("online_access user/Patient.rs")
    body = (await app.refresh(body["refresh_token"])).json()
    await app.user.post("/auth/logout")
    assert (await app.refresh(body["refresh_token"])).json()["error"] == "invalid_grant"


@pytest.mark.parametrize(("scope", "status"), [("online_access", 400), ("offline_access", 200)])
async def test_online_access_ends_when_the_person_is_idle(
    app: App, scope: str, status: int
) -> None:
    body = await app.granted(f"{scope} user/Patient.rs")
    refreshed = await app.refresh(body["refresh_token"])
    assert refreshed.status_code == 200
    session = next(one for one in await app.server.tokens.of_subject("dr.adams") if not one.client)
    assert session.used == session.issued  # neither a grant nor a refresh is a use of it
    idle = timedelta(seconds=session.idle + 1)
    await app.server.tokens.touch(session.hash, session.issued - idle)
    assert (await app.refresh(refreshed.json()["refresh_token"])).status_code == status


async def test_backend_services(app: App) -> None:
    secret = HashedSecret(hashed("a" * 43), datetime(2026, 1, 1, tzinfo=UTC))
    backend = public_client(
        "backend",
        method="client_secret_basic",
        secrets=(secret,),
        grants=("client_credentials",),
        scopes=("system/Patient.rs",),
    )
    await app.server.smart.clients.add(backend)
    basic = base64.b64encode(b"backend:" + b"a" * 43).decode()
    headers = {"Authorization": f"Basic {basic}"}
    form = {"grant_type": "client_credentials", "scope": "system/Patient.rs system/*.rs"}
    body = (await app.browser.post("/auth/token", data=form, headers=headers)).json()
    assert (body["scope"], body["expires_in"]) == ("system/Patient.rs", 300)
    assert "refresh_token" not in body
    assert (await app.read("Patient/a", body["access_token"])).status_code == 200
    assert (await app.read("Observation", body["access_token"])).status_code == 403
    form["scope"] = "user/Patient.rs"
    refused = await app.browser.post("/auth/token", data=form, headers=headers)
    assert refused.json()["error"] == "invalid_scope"


async def test_introspection(app: App) -> None:
    body = await app.granted("offline_access patient/*.rs", "a")
    headers = {"Authorization": f"Bearer {body['access_token']}"}

    async def told(token: str) -> dict[str, object]:
        form = {"token": token}
        answer = await app.browser.post("/auth/introspect", data=form, headers=headers)
        assert answer.status_code == 200
        found: dict[str, object] = answer.json()
        return found

    access = await told(body["access_token"])
    assert access["active"] is True
    assert access["client_id"] == "app"
    assert access["scope"] == body["scope"]
    assert access["patient"] == "a"
    assert isinstance(access["exp"], int)
    assert (await told(body["refresh_token"]))["active"] is True
    assert await told("unknown") == {"active": False}
    form = {"token": body["access_token"], "client_id": "app"}
    assert (await app.browser.post("/auth/introspect", data=form)).status_code == 401


@pytest.mark.parametrize(("scope", "active"), [("online_access", False), ("offline_access", True)])
async def test_introspection_of_a_session_that_has_ended(
    app: App, scope: str, active: bool
) -> None:
    body = await app.granted(f"{scope} user/Patient.rs")
    signed_in = app.user.headers["authorization"].removeprefix("Bearer ")
    session = next(one for one in await app.server.tokens.of_subject("dr.adams") if not one.client)
    await app.server.tokens.touch(session.hash, session.issued - timedelta(seconds=session.idle))
    headers = {"Authorization": f"Bearer {body['access_token']}"}
    for token, wanted in ((signed_in, False), (body["refresh_token"], active)):
        told = await app.browser.post("/auth/introspect", data={"token": token}, headers=headers)
        assert told.json()["active"] is wanted


async def test_revocation_is_at_once(app: App) -> None:
    body = await app.granted(OFFLINE)
    form = {"token": body["access_token"], "client_id": "app"}
    assert (await app.browser.post("/auth/revoke", data=form)).status_code == 200
    assert (await app.read("Patient/a", body["access_token"])).status_code == 401
    renewed = (await app.refresh(body["refresh_token"])).json()
    form["token"] = renewed["refresh_token"]
    assert (await app.browser.post("/auth/revoke", data=form)).status_code == 200
    assert (await app.read("Patient/a", renewed["access_token"])).status_code == 401
    form["token"] = "unknown"
    assert (await app.browser.post("/auth/revoke", data=form)).status_code == 200


async def test_a_client_that_is_ended_holds_nothing(app: App) -> None:
    body = await app.granted(OFFLINE)
    await app.server.smart.registration.end("app")
    assert (await app.read("Patient/a", body["access_token"])).status_code == 401
    assert (await app.refresh(body["refresh_token"])).json()["error"] == "invalid_grant"


async def test_what_is_stored_opens_nothing(app: App) -> None:
    body = await app.granted(OFFLINE)
    database = app.server.smart.grants._database
    for name in ("tokens", "oauth_refresh_tokens", "oauth_codes", "oauth_grants"):
        async for document in database[name].find({}):
            text = str(document)
            assert body["access_token"] not in text
            assert body["refresh_token"] not in text
