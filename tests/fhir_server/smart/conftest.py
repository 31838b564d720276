"""An authorization server with a patient, a person who has signed in, and an application."""

from __future__ import annotations

import httpx2
import pytest

from fhir_server.server import FhirServer
from tests.fhir_server.smart.flow import App, public_client


@pytest.fixture
async def app(server: FhirServer, anonymous: httpx2.AsyncClient) -> App:
    await server.smart.clients.add(public_client())
    credentials = {"username": "dr.adams", "password": "correct horse battery staple"}
    token = (await anonymous.post("/auth/login", json=credentials)).json()["access_token"]
    user = httpx2.AsyncClient(
        transport=anonymous._transport,
        base_url="http://test",
        headers={"Authorization": f"Bearer {token}"},
    )
    for id in ("a", "b"):
        await user.put(f"/fhir/Patient/{id}", json={"resourceType": "Patient", "id": id})
    practitioner = {"resourceType": "Practitioner", "id": "p1"}
    await user.put("/fhir/Practitioner/p1", json=practitioner)
    return App(server, anonymous, user)
