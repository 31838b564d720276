"""What is looked for is text: no pattern, and decoded once. OWASP ASVS 5.0 V1.1.1 and V1.2.9."""

from __future__ import annotations

import httpx2
import pytest
import pytest_asyncio

NAMES = {"dotted": "a.b", "plain": "axb", "signs": "o(n)e [two] {3} ^$ |+*?\\", "encoded": "%41da"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def people(fhir: httpx2.AsyncClient) -> httpx2.AsyncClient:
    for id, name in NAMES.items():
        patient = {"resourceType": "Patient", "id": id, "name": [{"family": name}]}
        assert (await fhir.put(f"/fhir/Patient/{id}", json=patient)).status_code == 201
    return fhir


@pytest.mark.parametrize(
    ("parameter", "value", "found"),
    [
        ("name", "a.b", {"dotted"}),
        ("name", "axb", {"plain"}),
        ("name", ".*", set()),
        ("name", "^", set()),
        ("name", "a|o", set()),
        ("name:contains", ".b", {"dotted"}),
        ("name:contains", "(n)e [t", {"signs"}),
        ("name:contains", ".*", set()),
        ("name:contains", "[a-z]", set()),
        ("name:exact", "o(n)e [two] {3} ^$ \\|+*?\\\\", {"signs"}),
        ("name", "%41", {"encoded"}),
        ("name", "Ada", set()),
    ],
)
async def test_signs_of_patterns_are_signs(
    people: httpx2.AsyncClient, parameter: str, value: str, found: set[str]
) -> None:
    answer = await people.get("/fhir/Patient", params={parameter: value})
    assert answer.status_code == 200, answer.text
    assert {one["resource"]["id"] for one in answer.json().get("entry", [])} == found


async def test_an_address_is_decoded_once(people: httpx2.AsyncClient) -> None:
    assert (await people.get("/fhir/Patient/%70lain")).status_code == 200
    assert (await people.get("/fhir/Patient/%2570lain")).status_code in (400, 404)
