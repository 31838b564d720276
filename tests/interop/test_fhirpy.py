"""The asynchronous FHIR client `fhirpy`, unmodified."""

from __future__ import annotations

from fhirpy import AsyncFHIRClient

from tests.interop.conftest import Place


async def test_it_reads_searches_and_writes(place: Place) -> None:
    client = AsyncFHIRClient(f"{place.url}/fhir", authorization=f"Bearer {place.token}")
    patient = await client.reference("Patient", "a").to_resource()
    assert patient["name"][0]["family"] == "Able"
    condition = client.resource(
        "Condition", subject={"reference": "Patient/a"}, code={"text": "hay fever"}
    )
    await condition.save()
    assert condition.id
    found = await client.resources("Condition").search(patient="Patient/a").fetch_all()
    assert [one.id for one in found] == [condition.id]
    condition["code"] = {"text": "asthma"}
    await condition.save()
    assert condition["meta"]["versionId"] == "2"
    await condition.delete()
    assert await client.resources("Condition").search(patient="Patient/a").fetch_all() == []
