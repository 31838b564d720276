"""$meta, $meta-add and $meta-delete. https://hl7.org/fhir/R4/resource-operation-meta.html"""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

RED = {"system": "http://example.org/Tags", "code": "Red", "display": "Red one"}
BLUE = {"system": "http://example.org/Tags", "code": "blue"}
BARE = {"code": "bare"}
SECRET = {"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}
PROFILE = "http://example.org/StructureDefinition/mine|1.0"


def with_meta(meta: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": meta}]}


def meta_of(answer: httpx2.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    (one,) = answer.json()["parameter"]
    assert one["name"] == "return"
    found: dict[str, Any] = one["valueMeta"]
    return found


@pytest.fixture
async def tagged(fhir: httpx2.AsyncClient) -> httpx2.AsyncClient:
    for type, id, meta in (
        ("Patient", "p1", {"tag": [RED, BARE], "profile": [PROFILE]}),
        ("Patient", "p2", {"tag": [RED, BLUE], "security": [SECRET]}),
        ("Basic", "b1", {"tag": [{"system": "http://example.org/other", "code": "x"}]}),
    ):
        body = {"resourceType": type, "id": id, "meta": meta}
        if type == "Basic":
            body["code"] = {"text": "basic"}
        answer = await fhir.put(f"/fhir/{type}/{id}", json=body)
        assert answer.status_code == 201, answer.text
    return fhir


async def test_of_an_instance_and_a_version(tagged: httpx2.AsyncClient) -> None:
    first = (await tagged.get("/fhir/Patient/p1")).json()["meta"]
    assert meta_of(await tagged.get("/fhir/Patient/p1/$meta")) == first
    await tagged.put("/fhir/Patient/p1", json={"resourceType": "Patient", "id": "p1"})
    assert meta_of(await tagged.get("/fhir/Patient/p1/$meta"))["versionId"] == "2"
    assert meta_of(await tagged.get("/fhir/Patient/p1/_history/1/$meta")) == first
    assert (await tagged.get("/fhir/Patient/p1/_history/9/$meta")).status_code == 404
    assert (await tagged.get("/fhir/Patient/p9/$meta")).status_code == 404


async def test_of_a_type(tagged: httpx2.AsyncClient) -> None:
    found = meta_of(await tagged.get("/fhir/Patient/$meta"))
    assert sorted(one["code"] for one in found["tag"]) == ["Red", "bare", "blue"]
    assert RED in found["tag"]
    assert found["security"] == [SECRET]
    assert found["profile"] == [PROFILE]
    assert "versionId" not in found


async def test_of_the_system(tagged: httpx2.AsyncClient) -> None:
    found = meta_of(await tagged.get("/fhir/$meta"))
    assert sorted(one["code"] for one in found["tag"]) == ["Red", "bare", "blue", "x"]


async def test_without_any_labels(fhir: httpx2.AsyncClient) -> None:
    answer = await fhir.get("/fhir/Observation/$meta")
    assert answer.status_code == 200
    assert answer.json() == {"resourceType": "Parameters"}


async def test_add(tagged: httpx2.AsyncClient) -> None:
    green = {"system": "http://example.org/Tags", "code": "green"}
    renamed = {**RED, "display": "another display"}
    added = {"tag": [green, renamed], "profile": [PROFILE, "http://example.org/new"]}
    found = meta_of(await tagged.post("/fhir/Patient/p1/$meta-add", json=with_meta(added)))
    assert found["tag"] == [RED, BARE, green]
    assert found["profile"] == [PROFILE, "http://example.org/new"]
    stored = (await tagged.get("/fhir/Patient/p1")).json()
    assert stored["meta"] == found
    assert stored["meta"]["versionId"] == "2"
    assert (await tagged.get("/fhir/Patient?_tag=green&_summary=count")).json()["total"] == 1


async def test_adding_what_is_there_makes_no_version(tagged: httpx2.AsyncClient) -> None:
    before = (await tagged.get("/fhir/Patient/p1")).json()["meta"]
    answer = await tagged.post("/fhir/Patient/p1/$meta-add", json=with_meta({"tag": [RED]}))
    assert meta_of(answer) == before
    answer = await tagged.post("/fhir/Patient/p1/$meta-delete", json=with_meta({"tag": [BLUE]}))
    assert meta_of(answer) == before
    assert (await tagged.get("/fhir/Patient/p1")).json()["meta"] == before


async def test_delete(tagged: httpx2.AsyncClient) -> None:
    other = {"system": RED["system"], "code": "Red", "display": "does not matter"}
    gone = {"tag": [other, BARE, BLUE], "profile": [PROFILE]}
    found = meta_of(await tagged.post("/fhir/Patient/p1/$meta-delete", json=with_meta(gone)))
    assert "tag" not in found
    assert "profile" not in found
    assert (await tagged.get("/fhir/Patient?_tag=Red&_summary=count")).json()["total"] == 1


async def test_the_rest_of_the_resource_stays(fhir: httpx2.AsyncClient) -> None:
    body = (
        '{"resourceType":"Observation","id":"o1","status":"final","code":{"text":"x"},'
        '"valueQuantity":{"value":72.50},"meta":{"source":"http://example.org/here"}}'
    )
    headers = {"Content-Type": "application/fhir+json"}
    await fhir.put("/fhir/Observation/o1", content=body, headers=headers)
    found = meta_of(
        await fhir.post("/fhir/Observation/o1/$meta-add", json=with_meta({"tag": [RED]}))
    )
    assert found["source"] == "http://example.org/here"
    assert '"value":72.50' in (await fhir.get("/fhir/Observation/o1")).text


async def test_large_binaries_keep_their_content(fhir: httpx2.AsyncClient) -> None:
    data = "QUJD" * 200_000
    body = {"resourceType": "Binary", "id": "b", "contentType": "text/plain", "data": data}
    await fhir.put("/fhir/Binary/b", json=body)
    meta_of(await fhir.post("/fhir/Binary/b/$meta-add", json=with_meta({"tag": [RED]})))
    headers = {"Accept": "application/fhir+json"}
    assert (await fhir.get("/fhir/Binary/b", headers=headers)).json()["data"] == data


@pytest.mark.parametrize(
    "body",
    [
        {"resourceType": "Parameters"},
        {"resourceType": "Parameters", "parameter": [{"name": "meta", "valueString": "x"}]},
        {"resourceType": "Patient"},
        with_meta({"tag": "red"}),
        with_meta({"tags": [RED]}),
        with_meta({"tag": [{"code": 5}]}),
    ],
)
async def test_what_is_no_meta_is_refused(tagged: httpx2.AsyncClient, body: dict[str, Any]) -> None:
    answer = await tagged.post("/fhir/Patient/p1/$meta-add", json=body)
    assert answer.status_code in (400, 422), answer.text
    assert answer.json()["resourceType"] == "OperationOutcome"


async def test_unknown_resources(tagged: httpx2.AsyncClient) -> None:
    body = with_meta({"tag": [RED]})
    assert (await tagged.post("/fhir/Patient/p9/$meta-add", json=body)).status_code == 404
    await tagged.delete("/fhir/Patient/p1")
    assert (await tagged.post("/fhir/Patient/p1/$meta-add", json=body)).status_code == 410
