"""What a search finds after what was written before it."""

from __future__ import annotations

import httpx2

from tests.fhir_server.rest.shared.test_search import RESOURCES, found

ANNA, BOB = RESOURCES[:2]


async def test_pages_hold_every_resource_once(fhir: httpx2.AsyncClient) -> None:
    for number in range(25):
        await fhir.put(
            f"/fhir/Patient/p{number}", json={"resourceType": "Patient", "id": f"p{number}"}
        )
    seen: list[str] = []
    address: str | None = "/fhir/Patient?_count=10&_total=accurate"
    while address:
        page = (await fhir.get(address)).json()
        assert page["total"] == 25
        seen += [entry["resource"]["id"] for entry in page["entry"]]
        address = next((one["url"] for one in page["link"] if one["relation"] == "next"), None)
    assert seen == [f"p{number}" for number in reversed(range(25))]


async def test_a_changed_or_deleted_resource_is_found_no_more(fhir: httpx2.AsyncClient) -> None:
    for one in (ANNA, BOB):
        assert (await fhir.put(f"/fhir/Patient/{one['id']}", json=one)).status_code == 201
    assert await found(fhir, "Patient?gender=female") == {"anna"}
    await fhir.put("/fhir/Patient/anna", json={**ANNA, "gender": "other"})
    assert await found(fhir, "Patient?gender=female") == set()
    await fhir.delete("/fhir/Patient/anna")
    assert await found(fhir, "Patient") == {"bob"}
