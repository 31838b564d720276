"""Create, read, vread, update, delete, history over HTTP. https://hl7.org/fhir/R4/http.html"""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
import pytest

PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "name": [{"family": "Müller", "given": ["Anna"]}],
    "birthDate": "1980-02-29",
}


def issues(answer: httpx2.Response) -> list[dict[str, Any]]:
    assert answer.headers["content-type"].startswith("application/fhir+json")
    body = answer.json()
    assert body["resourceType"] == "OperationOutcome"
    found: list[dict[str, Any]] = body["issue"]
    return found


async def test_create_then_read(fhir: httpx2.AsyncClient) -> None:
    created = await fhir.post("/fhir/Patient", json=PATIENT)
    assert created.status_code == 201
    assert created.headers["etag"] == 'W/"1"'
    id = created.json()["id"]
    assert created.headers["location"].endswith(f"/fhir/Patient/{id}/_history/1")

    read = await fhir.get(f"/fhir/Patient/{id}")
    assert read.status_code == 200
    assert read.content == created.content
    assert read.json()["name"] == PATIENT["name"]
    assert read.json()["meta"]["versionId"] == "1"
    assert "last-modified" in read.headers


async def test_the_bytes_keep_their_decimals(fhir: httpx2.AsyncClient) -> None:
    body = (
        '{"resourceType":"Observation","status":"final","code":{"text":"weight"},'
        '"valueQuantity":{"value":72.50,"unit":"kg"}}'
    )
    created = await fhir.post("/fhir/Observation", content=body, headers=JSON)
    assert b'"value":72.50' in created.content
    read = await fhir.get(f"/fhir/Observation/{created.json()['id']}")
    assert b'"value":72.50' in read.content


async def test_update_makes_a_version_and_vread_finds_the_old_one(fhir: httpx2.AsyncClient) -> None:
    first = (await fhir.post("/fhir/Patient", json=PATIENT)).json()
    changed = {**first, "birthDate": "1980-03-01"}
    updated = await fhir.put(f"/fhir/Patient/{first['id']}", json=changed)
    assert updated.status_code == 200
    assert updated.headers["etag"] == 'W/"2"'

    old = await fhir.get(f"/fhir/Patient/{first['id']}/_history/1")
    assert old.json() == first
    assert (await fhir.get(f"/fhir/Patient/{first['id']}/_history/9")).status_code == 404


async def test_put_creates_under_the_clients_id(fhir: httpx2.AsyncClient) -> None:
    created = await fhir.put("/fhir/Patient/anna-1", json={**PATIENT, "id": "anna-1"})
    assert created.status_code == 201
    assert (await fhir.get("/fhir/Patient/anna-1")).json()["id"] == "anna-1"


async def test_if_match(fhir: httpx2.AsyncClient) -> None:
    first = (await fhir.post("/fhir/Patient", json=PATIENT)).json()
    address = f"/fhir/Patient/{first['id']}"
    other = {**first, "gender": "other"}
    assert (await fhir.put(address, json=other, headers={"If-Match": 'W/"1"'})).status_code == 200
    late = await fhir.put(address, json=first, headers={"If-Match": 'W/"1"'})
    assert late.status_code == 412
    assert "version 2" in issues(late)[0]["diagnostics"]
    odd = await fhir.put(address, json=first, headers={"If-Match": "one"})
    assert odd.status_code == 400


async def test_delete_leaves_the_history(fhir: httpx2.AsyncClient) -> None:
    first = (await fhir.post("/fhir/Patient", json=PATIENT)).json()
    address = f"/fhir/Patient/{first['id']}"
    assert (await fhir.delete(address)).status_code == 204
    assert (await fhir.delete(address)).status_code == 204
    gone = await fhir.get(address)
    assert gone.status_code == 410
    assert issues(gone)[0]["code"] == "deleted"

    history = (await fhir.get(f"{address}/_history")).json()
    assert [entry["request"]["method"] for entry in history["entry"]] == ["DELETE", "POST"]
    assert "resource" not in history["entry"][0]

    back = await fhir.put(address, json=first)
    assert back.status_code == 201
    assert back.headers["etag"] == 'W/"3"'


async def test_the_same_content_makes_no_version(fhir: httpx2.AsyncClient) -> None:
    first = (await fhir.post("/fhir/Patient", json=PATIENT)).json()
    again = await fhir.put(f"/fhir/Patient/{first['id']}", json=first)
    assert again.status_code == 200
    assert again.headers["etag"] == 'W/"1"'
    history = (await fhir.get(f"/fhir/Patient/{first['id']}/_history")).json()
    assert len(history["entry"]) == 1


async def test_history_shows_the_method_that_was_used(fhir: httpx2.AsyncClient) -> None:
    await fhir.put("/fhir/Patient/a", json={**PATIENT, "id": "a"})
    change = [{"op": "add", "path": "/multipleBirthBoolean", "value": True}]
    headers = {"Content-Type": "application/json-patch+json"}
    await fhir.patch("/fhir/Patient/a", json=change, headers=headers)
    await fhir.delete("/fhir/Patient/a")
    history = (await fhir.get("/fhir/Patient/a/_history")).json()
    methods = [entry["request"]["method"] for entry in history["entry"]]
    assert methods == ["DELETE", "PATCH", "PUT"]


async def test_history_pages_are_gapless(fhir: httpx2.AsyncClient) -> None:
    first = (await fhir.post("/fhir/Patient", json=PATIENT)).json()
    for count in range(6):
        changed = {**first, "multipleBirthInteger": count}
        await fhir.put(f"/fhir/Patient/{first['id']}", json=changed)
    versions: list[str] = []
    address: str | None = f"/fhir/Patient/{first['id']}/_history?_count=3"
    while address:
        page = (await fhir.get(address)).json()
        versions += [entry["resource"]["meta"]["versionId"] for entry in page["entry"]]
        address = next((one["url"] for one in page["link"] if one["relation"] == "next"), None)
    assert versions == ["7", "6", "5", "4", "3", "2", "1"]


async def test_twenty_parallel_updates_one_wins_each_round(fhir: httpx2.AsyncClient) -> None:
    first = (await fhir.post("/fhir/Patient", json=PATIENT)).json()
    address = f"/fhir/Patient/{first['id']}"
    for version in range(1, 4):
        headers = {"If-Match": f'W/"{version}"'}
        answers = await asyncio.gather(
            *[
                fhir.put(address, json={**first, "multipleBirthInteger": one}, headers=headers)
                for one in range(version * 100, version * 100 + 20)
            ]
        )
        codes = sorted(answer.status_code for answer in answers)
        assert codes == [200] + [412] * 19
        winner = next(answer for answer in answers if answer.status_code == 200)
        assert (await fhir.get(address)).content == winner.content
    history = (await fhir.get(f"{address}/_history?_count=100")).json()
    numbers = [int(entry["resource"]["meta"]["versionId"]) for entry in history["entry"]]
    assert numbers == [4, 3, 2, 1]


JSON = {"Content-Type": "application/fhir+json"}


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ("{", 400, "structure"),
        ('{"resourceType":"Patient","resourceType":"Patient"}', 400, "structure"),
        ('{"resourceType":"Patient","multipleBirthInteger":NaN}', 400, "structure"),
        ("[]", 400, "structure"),
        ('{"resourceType":"Observation"}', 400, "structure"),
        ('{"resourceType":"Patient","gender":"zzz"}', 422, "code-invalid"),
        ('{"resourceType":"Patient","surname":"x"}', 422, "structure"),
        ('{"resourceType":"Patient","birthDate":"yesterday"}', 422, "value"),
    ],
)
async def test_bad_bodies(fhir: httpx2.AsyncClient, body: str, status: int, code: str) -> None:
    answer = await fhir.post("/fhir/Patient", content=body, headers=JSON)
    assert answer.status_code == status
    assert issues(answer)[0]["code"] == code


async def test_every_problem_is_reported_with_its_place(fhir: httpx2.AsyncClient) -> None:
    body = {"resourceType": "Patient", "gender": "zzz", "name": [{"given": "Anna"}]}
    found = issues(await fhir.post("/fhir/Patient", json=body))
    places = {expression for issue in found for expression in issue["expression"]}
    assert {"Patient.gender", "Patient.name[0].given"} <= places


async def test_no_patient_data_in_diagnostics(fhir: httpx2.AsyncClient) -> None:
    body = {"resourceType": "Patient", "birthDate": "Zebedee", "gender": "Zebedee"}
    assert "Zebedee" not in (await fhir.post("/fhir/Patient", json=body)).text


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/fhir/Nothing/1", 404),
        ("GET", "/fhir/Patient/none", 404),
        ("GET", "/fhir/Patient/a%20b", 400),
        ("DELETE", "/fhir/Patient", 412),
        ("PATCH", "/fhir/Patient/1", 415),
        ("PUT", "/fhir", 405),
        ("GET", "/fhir/Patient/1/_history/1/more", 404),
        ("GET", "/nowhere", 404),
        ("GET", "/api/nowhere", 404),
    ],
)
async def test_every_route_answers_errors_as_operation_outcome(
    fhir: httpx2.AsyncClient, method: str, path: str, status: int
) -> None:
    answer = await fhir.request(method, path)
    assert answer.status_code == status
    assert issues(answer)[0]["severity"] == "error"


async def test_negotiation(fhir: httpx2.AsyncClient) -> None:
    page = await fhir.get("/fhir/Patient", headers={"Accept": "text/html"})
    assert page.status_code == 406
    issues(page)
    typed = {"Content-Type": "text/plain"}
    assert (await fhir.post("/fhir/Patient", content="{}", headers=typed)).status_code == 415
    plain = await fhir.get("/fhir/Patient", headers={"Accept": "application/json"})
    assert plain.status_code == 200


async def test_prefer(fhir: httpx2.AsyncClient) -> None:
    minimal = await fhir.post("/fhir/Patient", json=PATIENT, headers={"Prefer": "return=minimal"})
    assert (minimal.status_code, minimal.content) == (201, b"")
    told = await fhir.post(
        "/fhir/Patient", json=PATIENT, headers={"Prefer": "return=OperationOutcome"}
    )
    assert told.json()["resourceType"] == "OperationOutcome"


async def test_a_large_binary_comes_back_whole(fhir: httpx2.AsyncClient) -> None:
    import base64
    import hashlib

    content = b"".join(hashlib.sha256(bytes([i % 256, i // 256])).digest() for i in range(60_000))
    data = base64.b64encode(content).decode()
    binary = {"resourceType": "Binary", "contentType": "audio/flac", "data": data}
    created = await fhir.post("/fhir/Binary", json=binary)
    assert created.status_code == 201
    address = f"/fhir/Binary/{created.json()['id']}"

    raw = await fhir.get(address, headers={"Accept": "audio/flac"})
    assert raw.headers["content-type"] == "audio/flac"
    assert raw.content == content
    assert (await fhir.get(address, headers={"Accept": "application/fhir+json"})).json()[
        "data"
    ] == data
