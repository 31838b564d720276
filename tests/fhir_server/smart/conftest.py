"""An authorization server with a patient, a person who has signed in, and an application."""

from __future__ import annotations

import httpx2
import pytest

from fhir_server.server import FhirServer
from tests.accounts import bearer
from tests.fhir_server.smart.flow import App, public_client


@pytest.fixture
async def app(server: FhirServer, anonymous: httpx2.AsyncClient) -> App:
    await server.smart.clients.add(public_client())
    user = httpx2.AsyncClient(
        transport=anonymous._transport,
        base_url="http://test",
        headers=await bearer(server),
    )
    for id in ("a", "b"):
        await user.put(f"/fhir/Patient/{id}", json={"resourceType": "Patient", "id": id})
    visit = {
        "resourceType": "Encounter",
        "id": "e1",
        "status": "in-progress",
        "class": {"code": "AMB"},
        "subject": {"reference": "Patient/a"},
    }
    await user.put("/fhir/Encounter/e1", json=visit)
    practitioner = {"resourceType": "Practitioner", "id": "p1"}
    await user.put("/fhir/Practitioner/p1", json=practitioner)
    return App(server, anonymous, user)
