"""The SMART client for Python, `fhirclient`, unmodified. It finds its way by oauth-uris alone."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
from fhirclient import client as smart
from fhirclient.models.patient import Patient

from tests.fhir_server.smart.flow import REDIRECT, query
from tests.interop.conftest import Place

SCOPE = "openid fhirUser offline_access patient/*.rs"


async def test_a_standalone_launch_with_a_patient(place: Place) -> None:
    settings = {
        "app_id": "app",
        "api_base": f"{place.url}/fhir",
        "redirect_uri": REDIRECT,
        "scope": SCOPE,
    }

    def begin() -> Any:
        made = smart.FHIRClient(settings=settings)
        made.prepare()
        return made

    client = await asyncio.to_thread(begin)
    address = await asyncio.to_thread(lambda: client.authorize_url)
    assert query(address)["code_challenge_method"] == "S256"
    asked = await place.app.browser.get(httpx2.URL(address))
    back = await place.app.decide(asked, patient="a")
    callback = f"{REDIRECT}?{httpx2.QueryParams(back)}"
    await asyncio.to_thread(client.handle_callback, callback)
    assert client.ready
    assert client.patient_id == "a"
    read = await asyncio.to_thread(Patient.read, "a", client.server)
    assert read.name[0].family == "Able"
    assert await asyncio.to_thread(client.reauthorize)
    search = Patient.where({"name": "able"})
    found = await asyncio.to_thread(lambda: list(search.perform_resources_iter(client.server)))
    assert [one.id for one in found] == ["a"]
