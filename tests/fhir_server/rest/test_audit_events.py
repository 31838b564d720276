"""What is recorded of requests is itself a valid resource."""

from __future__ import annotations

import httpx2
import pytest

from fhir_server.server import FhirServer
from fhir_server.store.accounts import Account
from fhir_server.validation.validator import validate


async def test_every_audit_event_is_valid(fhir: httpx2.AsyncClient, server: FhirServer) -> None:
    patient = {"resourceType": "Patient", "name": [{"family": "Audited"}]}
    place = (await fhir.post("/fhir/Patient", json=patient)).json()["id"]
    entry = {"request": {"method": "GET", "url": f"Patient/{place}"}}
    bundle = {"resourceType": "Bundle", "type": "batch", "entry": [entry]}
    await fhir.put(f"/fhir/Patient/{place}", json={**patient, "id": place, "active": True})
    for address in (
        f"Patient/{place}",
        f"Patient/{place}/_history",
        f"Patient/{place}/_history/1",
        "Patient?name=audited&_include=*",
        f"Patient/{place}/$everything",
        "Patient/nobody",
        "?_type=Patient,Group",
    ):
        await fhir.get(f"/fhir/{address}")
    await fhir.post("/fhir", json=bundle)
    await fhir.post("/fhir/Patient", json={"resourceType": "Patient", "gender": "x"})
    await fhir.delete(f"/fhir/Patient/{place}")
    await fhir.get("/fhir/Patient/x", headers={"Authorization": "Bearer wrong"})
    stored = (await server.server.store.history({"type": "AuditEvent"}, count=100)).entries
    assert len(stored) >= 13
    for one in stored:
        assert validate(one.resource()) == ()


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "Condition/c"),
        ("GET", "Condition?code=x"),
        ("POST", "Condition"),
        ("DELETE", "Condition/c"),
        ("GET", "Condition/c/_history"),
        ("GET", "Encounter/e/$everything"),
    ],
)
async def test_a_refusal_for_scope_is_recorded_once(
    fhir: httpx2.AsyncClient, server: FhirServer, method: str, path: str
) -> None:
    account = Account("u", "", "Practitioner/p2", "U", (), "user/Patient.rs")
    token = await server.authenticator.issue(account)
    headers = {"Authorization": f"Bearer {token.access_token}"}
    ill = {"resourceType": "Condition", "subject": {"reference": "Patient/p"}}
    sent = ill if method == "POST" else None
    answer = await fhir.request(method, f"/fhir/{path}", json=sent, headers=headers)
    assert answer.status_code == 403
    stored = (await server.server.store.history({"type": "AuditEvent"}, count=100)).entries
    events = [one.resource() for one in stored]
    own = [one for one in events if one["agent"][0]["who"].get("reference") == "Practitioner/p2"]
    assert [one["outcome"] for one in own] == ["4"]
