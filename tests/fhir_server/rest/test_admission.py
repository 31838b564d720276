"""Large transactions at the same time, which write the same resources."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
import pytest

from fhir_server.interactions.admission import LARGE, Admission


async def test_only_so_many_are_inside() -> None:
    admission, inside, most = Admission(2), 0, 0

    async def one(entries: int) -> None:
        nonlocal inside, most
        async with admission.of(entries):
            inside += entries > LARGE
            most = max(most, inside)
            await asyncio.sleep(0.01)
            inside -= entries > LARGE

    await asyncio.gather(*(one(entries) for entries in (LARGE + 1, LARGE) * 5))
    assert most == 2


async def test_who_gives_up_frees_the_place() -> None:
    admission = Admission(1)

    async def hold() -> None:
        async with admission.of(LARGE + 1):
            await asyncio.sleep(60)

    holder, waiting = asyncio.create_task(hold()), asyncio.create_task(hold())
    await asyncio.sleep(0)
    for task in (waiting, holder):
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    async with asyncio.timeout(30), admission.of(LARGE + 1):
        pass


async def test_twelve_bundles_on_the_same_organization(fhir: httpx2.AsyncClient) -> None:
    urn = "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0"
    organization = {"resourceType": "Organization", "identifier": [{"value": "one"}], "name": "One"}
    patient = {"resourceType": "Patient", "managingOrganization": {"reference": urn}}
    entries: list[dict[str, Any]] = [
        {
            "fullUrl": urn,
            "resource": organization,
            "request": {
                "method": "POST",
                "url": "Organization",
                "ifNoneExist": "identifier=one",
            },
        },
        *(
            {"resource": patient, "request": {"method": "POST", "url": "Patient"}}
            for _ in range(LARGE)
        ),
    ]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    answers = await asyncio.gather(*(fhir.post("/fhir", json=bundle) for _ in range(12)))
    assert [answer.status_code for answer in answers] == [200] * 12
    found = (await fhir.get("/fhir/Organization?identifier=one&_total=accurate")).json()
    assert found["total"] == 1
    found = (await fhir.get("/fhir/Patient?organization.identifier=one&_summary=count")).json()
    assert found["total"] == 12 * LARGE
