"""History as of a time: `_at`. https://hl7.org/fhir/R4/http.html#history"""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
import pytest


async def versions(fhir: httpx2.AsyncClient, number: int) -> list[str]:
    """The lastUpdated of each version of Patient/a."""
    found = []
    for place in range(number):
        body = {"resourceType": "Patient", "id": "a", "birthDate": f"20{place:02}"}
        answer = await fhir.put("/fhir/Patient/a", json=body)
        found.append(answer.json()["meta"]["lastUpdated"])
        await asyncio.sleep(0.02)
    return found


async def numbers(fhir: httpx2.AsyncClient, address: str) -> list[str]:
    """`type/id/version` of all pages."""
    found: list[str] = []
    link: str | None = address
    while link is not None:
        answer = await fhir.get(link)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        found += [
            f"{entry['resource']['id']}/{entry['resource']['meta']['versionId']}"
            for entry in body.get("entry", ())
        ]
        links = {one["relation"]: one["url"] for one in body["link"]}
        link = links.get("next")
    return found


async def test_at_an_instant_the_version_that_was_current(fhir: httpx2.AsyncClient) -> None:
    first, second, third = await versions(fhir, 3)
    at = "/fhir/Patient/a/_history?_at="
    assert await numbers(fhir, at + first) == ["a/1"]
    assert await numbers(fhir, at + second) == ["a/2"]
    assert await numbers(fhir, at + third) == ["a/3"]
    assert await numbers(fhir, at + "2099-01-01T00:00:00Z") == ["a/3"]
    assert await numbers(fhir, at + "1999") == []


async def test_in_a_year_every_version_that_was_current(fhir: httpx2.AsyncClient) -> None:
    moments = await versions(fhir, 5)
    year = moments[0][:4]
    pages = f"/fhir/Patient/_history?_count=2&_at={year}"
    assert await numbers(fhir, pages) == ["a/5", "a/4", "a/3", "a/2", "a/1"]


async def test_of_the_system_the_state_at_a_moment(fhir: httpx2.AsyncClient) -> None:
    moments = await versions(fhir, 60)  # over one chunk of the store
    answer = await fhir.put("/fhir/Patient/b", json={"resourceType": "Patient", "id": "b"})
    assert answer.status_code == 201
    assert await numbers(fhir, f"/fhir/Patient/_history?_at={moments[4]}") == ["a/5"]
    await fhir.delete("/fhir/Patient/a")
    assert await numbers(fhir, f"/fhir/Patient/_history?_at={moments[59]}") == ["a/60"]


@pytest.mark.parametrize("text", ["yesterday", "2020-13", "ge2020", ""])
async def test_no_time_is_refused(fhir: httpx2.AsyncClient, text: str) -> None:
    answer = await fhir.get(f"/fhir/Patient/_history?_at={text}")
    assert answer.status_code == 400
    assert "_at takes a date or time" in answer.json()["issue"][0]["diagnostics"]
