"""Every route of administration against every kind of caller."""

from __future__ import annotations

import base64
import re
from typing import Any

from fastapi.routing import APIRoute

from fhir_server.audit import Access
from fhir_server.rest.admin.audit import audit_router
from fhir_server.rest.admin.clients import clients_router
from fhir_server.rest.admin.users import users_router
from tests.fhir_server.rest.admin.conftest import ROLES, Clinic, Headers

BODIES: dict[str, dict[str, Any]] = {
    "/api/admin/users/search": {},
    "/api/admin/users/create": {"username": "new", "display": "New", "roles": ["nurse"]},
    "/api/admin/users/roles": {"username": "nurse", "roles": ["nurse"]},
    "/api/admin/invitations": {"owner": "Dr Adams", "scope": "patient/*.rs"},
    "/api/admin/clients/{id}/scope": {"scope": "patient/*.rs"},
    "/api/admin/emergencies": {},
}
BOTH = {"/api/admin/emergencies"}


def routes() -> list[tuple[str, str]]:
    routers = (users_router(), clients_router(), audit_router())
    found = [one for router in routers for one in router.routes if isinstance(one, APIRoute)]
    return [(method, one.path) for one in found for method in sorted(one.methods)]


def allowed(path: str) -> set[str]:
    if path in BOTH:
        return {"admin", "auditor"}
    return {"auditor"} if path.startswith("/api/audit") else {"admin"}


async def ask(clinic: Clinic, method: str, path: str, bearer: Headers) -> int:
    body = BODIES.get(path, {"username": "nurse"} if "/users/" in path else {})
    address = re.sub(r"\{id\}", "chart", path)
    json = body if method == "POST" else None
    answer = await clinic.http.request(method, address, json=json, headers=bearer)
    return answer.status_code


def test_there_are_all_routes() -> None:
    assert len(routes()) == 27
    assert set(BODIES) <= {path for _, path in routes()}


async def test_role_by_route(clinic: Clinic) -> None:
    callers = {name: await clinic.token(name) for name in ROLES}
    callers |= {"backend": await clinic.backend(), "nobody": {}}
    refused = 0
    for method, path in routes():
        for role, bearer in callers.items():
            if role in allowed(path):
                continue
            status = await ask(clinic, method, path, bearer)
            assert status == (403 if bearer else 401), (role, method, path, status)
            refused += 1
    queries = [
        base64.b64decode(entity["query"]).decode().split("?")[0]
        for one in await clinic.events()
        if one["outcome"] == "4"
        for entity in one["entity"]
        if "query" in entity
    ]
    assert len(queries) == refused
    assert set(queries) == {f"{method} {path}" for method, path in routes()}


async def test_who_may_is_let_in(clinic: Clinic) -> None:
    for method, path in routes():
        for role in allowed(path):
            status = await ask(clinic, method, path, await clinic.token(role))
            assert status in (200, 201, 202, 204, 404, 409), (role, method, path, status)


async def test_an_application_in_an_administrators_name_may_not(clinic: Clinic) -> None:
    account = await clinic.server.accounts.find("admin")
    assert account is not None
    issued = await clinic.server.authenticator.issue_for(
        account, scope="user/*.cruds", lifetime=300, client="chart"
    )
    bearer = {"Authorization": f"Bearer {issued.access_token}"}
    assert (await clinic.user("search", bearer)).status_code == 403


async def test_who_lost_the_role_meanwhile_may_not(clinic: Clinic) -> None:
    bearer = await clinic.token("admin")
    await clinic.server.accounts.change("admin", roles=("clinician",))
    assert (await clinic.user("search", bearer)).status_code == 403


async def test_an_auditor_sees_audit_events_and_no_chart(clinic: Clinic) -> None:
    await clinic.server.server.store.transact(
        lambda unit: unit.put({"resourceType": "Patient", "id": "p"})
    )
    await clinic.server.server.audit.record(None, Access("read", 401))
    bearer = await clinic.token("auditor")
    assert (await clinic.http.get("/fhir/AuditEvent", headers=bearer)).status_code == 200
    for path in ("Patient/p", "Observation", "Encounter", "Composition", "Patient"):
        assert (await clinic.http.get(f"/fhir/{path}", headers=bearer)).status_code == 403, path
