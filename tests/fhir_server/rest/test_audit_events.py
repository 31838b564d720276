"""What is recorded of requests is itself a valid resource."""

from __future__ import annotations

import httpx2

from fhir_server.server import FhirServer
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
