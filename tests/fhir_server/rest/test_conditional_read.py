"""Reading only what changed, only a part, only the head. FHIR R4 3.1.0.1.6, 3.1.0.2."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx2
import pytest

PATIENT = {"resourceType": "Patient", "id": "p", "active": True, "gender": "male"}


@pytest.fixture
async def stored(fhir: httpx2.AsyncClient) -> httpx2.AsyncClient:
    assert (await fhir.put("/fhir/Patient/p", json=PATIENT)).status_code == 201
    return fhir


@pytest.mark.parametrize(
    ("tags", "status"),
    [('W/"1"', 304), ('"1"', 304), ('W/"7", W/"1"', 304), ("*", 304), ('W/"2"', 200)],
)
async def test_if_none_match(stored: httpx2.AsyncClient, tags: str, status: int) -> None:
    for address in ("/fhir/Patient/p", "/fhir/Patient/p/_history/1"):
        answer = await stored.get(address, headers={"If-None-Match": tags})
        assert answer.status_code == status
        assert answer.headers["etag"] == 'W/"1"'
        assert (answer.content == b"") == (status == 304)


@pytest.mark.parametrize(("hours", "status"), [(1, 304), (-1, 200)])
async def test_if_modified_since(stored: httpx2.AsyncClient, hours: int, status: int) -> None:
    since = format_datetime(datetime.now(UTC) + timedelta(hours=hours), usegmt=True)
    answer = await stored.get("/fhir/Patient/p", headers={"If-Modified-Since": since})
    assert answer.status_code == status


async def test_a_date_that_is_none_is_refused(stored: httpx2.AsyncClient) -> None:
    answer = await stored.get("/fhir/Patient/p", headers={"If-Modified-Since": "lately"})
    assert answer.status_code == 400


@pytest.mark.parametrize("address", ["Patient/p", "Patient/p/_history", "Patient", "metadata"])
async def test_head_is_get_without_the_body(stored: httpx2.AsyncClient, address: str) -> None:
    head, whole = [await stored.request(one, f"/fhir/{address}") for one in ("HEAD", "GET")]
    assert head.status_code == whole.status_code == 200
    assert head.content == b""
    assert head.headers.get("etag") == whole.headers.get("etag")
    assert head.headers["content-type"] == whole.headers["content-type"]


async def test_parts_are_answered_by_read_and_search(stored: httpx2.AsyncClient) -> None:
    read = (await stored.get("/fhir/Patient/p?_elements=gender")).json()
    assert set(read) == {"resourceType", "id", "meta", "gender"}
    found = (await stored.get("/fhir/Patient?_elements=gender")).json()
    assert found["entry"][0]["resource"] == read


async def test_a_read_refuses_what_it_does_not_know(stored: httpx2.AsyncClient) -> None:
    assert (await stored.get("/fhir/Patient/p?gender=male")).status_code == 400
