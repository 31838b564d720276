"""Binary as its own content, ranges of it, and large data anywhere.

https://hl7.org/fhir/R4/binary.html
"""

from __future__ import annotations

import base64
import random
from typing import Any

import httpx2
import pytest

SMALL = bytes(range(256)) * 4
LARGE = random.Random(7).randbytes(700_000)  # three chunks of GridFS
JSON = {"Accept": "application/fhir+json"}


async def upload(fhir: httpx2.AsyncClient, content: bytes) -> str:
    patient = {"resourceType": "Patient", "id": "p1"}
    assert (await fhir.put("/fhir/Patient/p1", json=patient)).status_code in (200, 201)
    headers = {"Content-Type": "audio/flac", "X-Security-Context": "Patient/p1"}
    answer = await fhir.post("/fhir/Binary", content=content, headers={**headers, **JSON})
    assert answer.status_code == 201, answer.text
    return f"/fhir/Binary/{answer.json()['id']}"


@pytest.mark.parametrize("content", [SMALL, LARGE], ids=["inline", "in GridFS"])
async def test_content_goes_in_and_out(fhir: httpx2.AsyncClient, content: bytes) -> None:
    address = await upload(fhir, content)
    raw = await fhir.get(address, headers={"Accept": "audio/flac"})
    assert raw.content == content
    assert raw.headers["content-type"] == "audio/flac"
    assert raw.headers["content-length"] == str(len(content))
    assert raw.headers["x-security-context"] == "Patient/p1"
    assert "sandbox" in raw.headers["content-security-policy"]
    resource = (await fhir.get(address, headers=JSON)).json()
    assert base64.b64decode(resource["data"]) == content
    assert resource["securityContext"] == {"reference": "Patient/p1"}


@pytest.mark.parametrize("content", [SMALL, LARGE], ids=["inline", "in GridFS"])
@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=10-99", 10, 99),
        ("bytes=500-", 500, None),
        ("bytes=-7", -7, None),
        ("bytes=100-9999999", 100, None),
        ("bytes=-9999999", 0, None),
    ],
)
async def test_ranges(
    fhir: httpx2.AsyncClient, content: bytes, asked: str, first: int, last: int | None
) -> None:
    address = await upload(fhir, content)
    answer = await fhir.get(address, headers={"Accept": "*/*", "Range": asked})
    start = first % len(content)
    stop = len(content) if last is None else last + 1
    assert answer.status_code == 206
    assert answer.content == content[start:stop]
    assert answer.headers["content-range"] == f"bytes {start}-{stop - 1}/{len(content)}"


async def test_a_range_across_chunks(fhir: httpx2.AsyncClient) -> None:
    address = await upload(fhir, LARGE)
    answer = await fhir.get(address, headers={"Accept": "*/*", "Range": "bytes=260000-530000"})
    assert answer.content == LARGE[260_000:530_001]


async def test_a_range_that_is_not_there(fhir: httpx2.AsyncClient) -> None:
    address = await upload(fhir, SMALL)
    answer = await fhir.get(address, headers={"Accept": "*/*", "Range": "bytes=5000-"})
    assert answer.status_code == 416
    assert answer.headers["content-range"] == "bytes */1024"


@pytest.mark.parametrize("asked", ["bytes=1-2,4-5", "lines=1-2", "bytes=9-3", "bytes=-", "x"])
async def test_what_is_no_single_range_gets_all(fhir: httpx2.AsyncClient, asked: str) -> None:
    address = await upload(fhir, SMALL)
    answer = await fhir.get(address, headers={"Accept": "*/*", "Range": asked})
    assert (answer.status_code, answer.content) == (200, SMALL)


async def test_put_replaces_the_content(fhir: httpx2.AsyncClient) -> None:
    address = await upload(fhir, LARGE)
    headers = {"Content-Type": "text/plain; charset=utf-8"}
    answer = await fhir.put(address, content="größer".encode(), headers=headers)
    assert answer.status_code == 200
    assert (await fhir.get(address, headers={"Accept": "text/plain"})).text == "größer"
    old = await fhir.get(f"{address}/_history/1", headers={"Accept": "*/*"})
    assert old.content == LARGE
    history = (await fhir.get(f"{address}/_history")).json()
    assert base64.b64decode(history["entry"][1]["resource"]["data"]) == LARGE


async def test_content_needs_a_media_type(fhir: httpx2.AsyncClient) -> None:
    answer = await fhir.post("/fhir/Binary", content=b"x", headers={"Content-Type": "nonsense"})
    assert answer.status_code == 415


async def test_large_data_of_any_attachment(fhir: httpx2.AsyncClient) -> None:
    # Together over the 16 MB that a MongoDB document may have.
    pages = [random.Random(n).randbytes(4_000_000) for n in range(4)]
    attachments = [
        {"contentType": "application/pdf", "data": base64.b64encode(page).decode()}
        for page in pages
    ]
    body: dict[str, Any] = {
        "resourceType": "DocumentReference",
        "status": "current",
        "content": [{"attachment": one} for one in attachments],
    }
    made = await fhir.post("/fhir/DocumentReference", json=body)
    assert made.status_code == 201, made.text[:300]
    assert made.json()["content"] == body["content"]
    address = f"/fhir/DocumentReference/{made.json()['id']}"
    again = await fhir.put(address, json={**body, "id": made.json()["id"]})
    assert again.headers["etag"] == 'W/"1"'
    found = await fhir.get("/fhir/DocumentReference?contenttype=application/pdf")
    assert found.json()["entry"][0]["resource"]["content"] == body["content"]
    change = [{"op": "replace", "path": "/status", "value": "superseded"}]
    patched = await fhir.patch(
        address, json=change, headers={"Content-Type": "application/json-patch+json"}
    )
    assert patched.json()["content"] == body["content"]
