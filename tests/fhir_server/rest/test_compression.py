"""gzip both ways. RFC 9110 section 8.4, FHIR R4 3.1.0.1.1."""

from __future__ import annotations

import gzip
import json

import httpx2

PATIENT = {"resourceType": "Patient", "name": [{"family": "A" * 3000}]}
HEADERS = {"Content-Type": "application/fhir+json", "Content-Encoding": "gzip"}


def packed(body: object = PATIENT) -> bytes:
    return gzip.compress(json.dumps(body).encode())


async def test_a_compressed_body_is_read(fhir: httpx2.AsyncClient) -> None:
    answer = await fhir.post("/fhir/Patient", content=packed(), headers=HEADERS)
    assert answer.status_code == 201
    assert answer.json()["name"] == PATIENT["name"]


async def test_an_answer_is_compressed_for_who_takes_it(fhir: httpx2.AsyncClient) -> None:
    await fhir.put("/fhir/Patient/a", json={**PATIENT, "id": "a"})
    taken = await fhir.get("/fhir/Patient/a", headers={"Accept-Encoding": "gzip"})
    assert taken.headers["content-encoding"] == "gzip"
    assert int(taken.headers["content-length"]) < 1000
    assert "accept-encoding" in taken.headers["vary"].lower()
    plain = await fhir.get("/fhir/Patient/a", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.content == taken.content


async def test_a_body_that_inflates_over_the_limit(fhir: httpx2.AsyncClient) -> None:
    bomb = gzip.compress(b" " * 40_000_000)
    answer = await fhir.post("/fhir/Patient", content=bomb, headers=HEADERS)
    assert answer.status_code == 413
    assert answer.json()["issue"][0]["code"] == "too-long"


async def test_what_is_no_gzip(fhir: httpx2.AsyncClient) -> None:
    for content in (b"{}", packed()[:-9], packed() + b"x"):
        answer = await fhir.post("/fhir/Patient", content=content, headers=HEADERS)
        assert answer.status_code == 400, content


async def test_other_codings_are_refused(fhir: httpx2.AsyncClient) -> None:
    headers = {**HEADERS, "Content-Encoding": "br"}
    answer = await fhir.post("/fhir/Patient", content=packed(), headers=headers)
    assert answer.status_code == 415
    assert answer.headers["accept-encoding"] == "gzip"
