"""Sign-in, tokens, and that nothing is open without one."""

from __future__ import annotations

import httpx2
import pytest

from fhir_server.clock import random_id
from fhir_server.interactions.registry import interactions
from fhir_server.operations.invocation import Operations
from fhir_server.server import FhirServer
from fhir_server.store.connection import Database
from tests.accounts import PASSWORD, USERNAME


async def test_sign_in_and_me(anonymous: httpx2.AsyncClient) -> None:
    answer = await anonymous.post(
        "/auth/login", json={"username": USERNAME.upper(), "password": PASSWORD}
    )
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert body["token_type"] == "Bearer"
    assert body["user"] == {"reference": "Practitioner/p1", "display": "Dr Adams"}
    me = await anonymous.get(
        "/auth/me", headers={"Authorization": f"Bearer {body['access_token']}"}
    )
    assert me.json()["display"] == "Dr Adams"


@pytest.mark.parametrize(("username", "password"), [(USERNAME, "wrong"), ("nobody", PASSWORD)])
async def test_a_wrong_name_and_a_wrong_password_look_alike(
    anonymous: httpx2.AsyncClient, username: str, password: str
) -> None:
    answer = await anonymous.post("/auth/login", json={"username": username, "password": password})
    assert answer.status_code == 401
    assert answer.json() == {
        "error": "invalid_grant",
        "error_description": "The user name or the password is wrong.",
    }


async def test_a_malformed_sign_in_is_rfc_6749_json(anonymous: httpx2.AsyncClient) -> None:
    answer = await anonymous.post("/auth/login", json={"username": "x"})
    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_request"


INTERACTIONS = interactions(random_id, Operations(()).entry)


@pytest.mark.parametrize("one", INTERACTIONS, ids=lambda one: f"{one.method}{one.path}")
async def test_every_interaction_needs_a_token(anonymous: httpx2.AsyncClient, one) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    path = one.path.format(type="Patient", id="p1", version="1")
    answer = await anonymous.request(one.method, f"/fhir{path}")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.json()["issue"][0]["code"] == "login"


async def test_metadata_is_open(anonymous: httpx2.AsyncClient) -> None:
    assert (await anonymous.get("/fhir/metadata")).status_code == 200


async def test_logout_ends_the_token(fhir: httpx2.AsyncClient) -> None:
    assert (await fhir.get("/fhir/Patient")).status_code == 200
    assert (await fhir.post("/auth/logout")).status_code == 204
    assert (await fhir.get("/fhir/Patient")).status_code == 401


async def test_an_expired_token(anonymous: httpx2.AsyncClient, server: FhirServer) -> None:
    account = await server.accounts.find(USERNAME)
    assert account is not None
    token = await server.authenticator.issue(account, lifetime=-1)
    answer = await anonymous.get(
        "/fhir/Patient", headers={"Authorization": f"Bearer {token.access_token}"}
    )
    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


async def test_scopes_limit_types_and_interactions(
    anonymous: httpx2.AsyncClient, server: FhirServer
) -> None:
    account = await server.accounts.find(USERNAME)
    assert account is not None
    token = await server.authenticator.issue(account, scope="user/Patient.rs")
    anonymous.headers["Authorization"] = f"Bearer {token.access_token}"
    assert (await anonymous.get("/fhir/Patient")).status_code == 200
    assert (await anonymous.get("/fhir/Observation")).status_code == 403
    made = await anonymous.post("/fhir/Patient", json={"resourceType": "Patient"})
    assert made.status_code == 403


async def test_passwords_and_tokens_are_stored_as_hashes(
    fhir: httpx2.AsyncClient, database: Database
) -> None:
    account = await database["accounts"].find_one()
    assert account is not None
    assert account["password_hash"].startswith("$argon2id$")
    sent = fhir.headers["Authorization"].partition(" ")[2]
    token = await database["tokens"].find_one()
    assert token is not None
    assert sent not in str(token)


async def test_every_access_leaves_an_audit_event(
    anonymous: httpx2.AsyncClient, server: FhirServer
) -> None:
    sent = {"username": USERNAME, "password": PASSWORD}
    token = (await anonymous.post("/auth/login", json=sent)).json()["access_token"]
    anonymous.headers["Authorization"] = f"Bearer {token}"
    fhir = anonymous
    made = (await fhir.post("/fhir/Patient", json={"resourceType": "Patient"})).json()
    address = f"/fhir/Patient/{made['id']}"
    await fhir.get(address)
    await fhir.get("/fhir/Patient?gender=male")
    await fhir.put(address, json=made)
    await fhir.delete(address)
    await fhir.get(address)
    await fhir.get("/fhir/Patient", headers={"Authorization": "Bearer wrong"})

    page = await server.server.store.search({"type": "AuditEvent"}, count=100)
    events = [stored.resource() for stored in reversed(page.entries)]
    told = [(event["subtype"][0]["code"], event["action"], event["outcome"]) for event in events]
    assert told == [
        ("110122", "E", "0"),
        ("create", "C", "0"),
        ("read", "R", "0"),
        ("search-type", "E", "0"),
        ("update", "U", "0"),
        ("delete", "D", "0"),
        ("read", "R", "4"),
        ("search-type", "E", "4"),
    ]
    assert events[1]["agent"][0]["who"]["reference"] == "Practitioner/p1"
    assert events[1]["entity"][0]["what"]["reference"] == f"Patient/{made['id']}"
    assert events[-1]["agent"][0]["who"] == {"display": "not authenticated"}


async def test_audit_events_are_not_for_everyone_and_never_changed(
    fhir: httpx2.AsyncClient,
) -> None:
    assert (await fhir.get("/fhir/AuditEvent")).status_code == 403
    made = await fhir.post("/fhir/AuditEvent", json={"resourceType": "AuditEvent"})
    assert made.status_code == 403
