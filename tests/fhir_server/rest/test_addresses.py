"""Which addresses take which methods. https://hl7.org/fhir/R4/http.html#summary"""

from __future__ import annotations

import httpx2
import pytest

PATIENT = {"resourceType": "Patient", "id": "a", "name": [{"family": "Adams"}]}


@pytest.mark.parametrize(
    ("method", "address", "allowed"),
    [
        ("OPTIONS", "/fhir/Patient", "DELETE, GET, HEAD, PATCH, POST, PUT"),
        ("POST", "/fhir/Patient/a", "DELETE, GET, HEAD, PATCH, PUT"),
        ("DELETE", "/fhir", "GET, HEAD, POST"),
    ],
)
async def test_405_says_what_is_allowed(
    fhir: httpx2.AsyncClient, method: str, address: str, allowed: str
) -> None:
    answer = await fhir.request(method, address)
    assert answer.status_code == 405
    assert set(allowed.split(", ")) <= set(answer.headers["allow"].split(", "))
    assert answer.json()["issue"][0]["code"] == "not-supported"


@pytest.mark.parametrize(
    ("method", "address", "body", "kind"),
    [
        ("POST", "/fhir/Patient/_search", b"name=adams", "application/x-www-form-urlencoded"),
        ("POST", "/fhir/Patient/_search?name=adams", b"", None),
        ("POST", "/fhir/_search?_type=Patient&_id=a", b"", None),
        ("GET", "/fhir/Patient/_search?name=adams", b"", None),
        ("GET", "/fhir/_search?_type=Patient&_id=a", b"", None),
    ],
)
async def test_searches_by_search(
    fhir: httpx2.AsyncClient, method: str, address: str, body: bytes, kind: str | None
) -> None:
    await fhir.put("/fhir/Patient/a", json=PATIENT)
    headers = {"Content-Type": kind} if kind else {}
    answer = await fhir.request(method, address, content=body, headers=headers)
    assert answer.status_code == 200, answer.text
    assert [entry["resource"]["id"] for entry in answer.json()["entry"]] == ["a"]


async def test_a_search_takes_no_json(fhir: httpx2.AsyncClient) -> None:
    answer = await fhir.post("/fhir/Patient/_search", json={"name": "x"})
    assert answer.status_code == 415


async def test_the_history_of_the_system_is_an_auditors(fhir: httpx2.AsyncClient) -> None:
    assert (await fhir.get("/fhir/_history")).status_code == 403
