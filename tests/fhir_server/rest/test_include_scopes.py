"""Includes bring along what the caller may read, and nothing else."""

from __future__ import annotations

import httpx2
import pytest

from fhir_server.server import FhirServer
from fhir_server.store.accounts import Account


@pytest.mark.parametrize(
    "inclusion", ["_revinclude=Condition:subject", "_revinclude=*", "_revinclude=Condition:*"]
)
async def test_of_types_out_of_scope_nothing(
    fhir: httpx2.AsyncClient, server: FhirServer, inclusion: str
) -> None:
    await fhir.put("/fhir/Patient/p", json={"resourceType": "Patient", "id": "p"})
    ill = {"resourceType": "Condition", "subject": {"reference": "Patient/p"}}
    assert (await fhir.post("/fhir/Condition", json=ill)).status_code == 201
    account = Account("u", "", "Practitioner/p1", "U", (), "user/Patient.rs")
    token = await server.authenticator.issue(account)
    headers = {"Authorization": f"Bearer {token.access_token}"}
    body = (await fhir.get(f"/fhir/Patient?{inclusion}", headers=headers)).json()
    assert [one["resource"]["resourceType"] for one in body["entry"]] == ["Patient"]
