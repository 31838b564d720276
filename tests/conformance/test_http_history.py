"""history of an instance, a type and the system. https://hl7.org/fhir/R4/http.html#history"""

from __future__ import annotations

import httpx2
import pytest
import pytest_asyncio

from tests.conformance.asking import Json, keep, link, refused, resource

ONE = resource("Patient", "one")


@pytest_asyncio.fixture(scope="module", loop_scope="session", autouse=True)
async def kept(fhir: httpx2.AsyncClient) -> None:
    await keep(fhir, [{**ONE, "gender": gender} for gender in ("male", "female", "other")])
    await fhir.delete("/fhir/Patient/one")
    await keep(fhir, [{**ONE, "gender": "unknown"}, resource("Patient", "two")])


async def history(fhir: httpx2.AsyncClient, path: str) -> Json:
    answer = await fhir.get(f"/fhir/{path}")
    assert answer.status_code == 200, answer.text
    body: Json = answer.json()
    assert (body["resourceType"], body["type"]) == ("Bundle", "history")
    return body


async def test_of_an_instance_newest_first(fhir: httpx2.AsyncClient) -> None:
    bundle = await history(fhir, "Patient/one/_history")
    entries = bundle["entry"]
    assert len(entries) == 5
    assert bundle.get("total", 5) == 5
    methods = [entry["request"]["method"] for entry in entries]
    assert methods[1] == "DELETE"
    assert [methods[0], *methods[2:]] == ["PUT"] * 4
    genders = [entry["resource"]["gender"] for entry in entries if "resource" in entry]
    assert genders == ["unknown", "other", "female", "male"]
    versions = [one["resource"]["meta"]["versionId"] for one in entries if "resource" in one]
    assert len(set(versions)) == 4


async def test_every_entry_has_request_and_response(fhir: httpx2.AsyncClient) -> None:
    """bdl-3, bdl-4: request and response are mandatory in a history."""
    for path in ("Patient/one/_history", "Patient/_history"):
        for entry in (await history(fhir, path))["entry"]:
            assert entry["request"]["url"].startswith("Patient")
            assert entry["response"]["status"][:3] in ("200", "201", "204")
            assert entry["response"]["lastModified"]
            assert entry["response"]["etag"]
            assert ("resource" in entry) == (entry["request"]["method"] != "DELETE")
            assert entry["fullUrl"].startswith("http://test/fhir/Patient/")


async def test_of_a_type(fhir: httpx2.AsyncClient) -> None:
    bundle = await history(fhir, "Patient/_history")
    assert len(bundle["entry"]) == 6
    assert bundle["entry"][0]["resource"]["id"] == "two"
    assert (await history(fhir, "Observation/_history")).get("entry", []) == []


async def test_count_and_pages(fhir: httpx2.AsyncClient) -> None:
    seen: list[str] = []
    path: str | None = "/fhir/Patient/one/_history?_count=2"
    while path:
        bundle = (await fhir.get(path)).json()
        assert len(bundle["entry"]) <= 2
        seen += [entry["response"]["etag"] for entry in bundle["entry"]]
        path = link(bundle, "next")
    assert len(seen) == len(set(seen)) == 5


async def test_since(fhir: httpx2.AsyncClient) -> None:
    entries = (await history(fhir, "Patient/one/_history"))["entry"]
    moment = entries[0]["resource"]["meta"]["lastUpdated"]
    since = await history(fhir, f"Patient/one/_history?_since={moment}")
    assert [one["resource"]["gender"] for one in since["entry"]] == ["unknown"]
    every = await history(fhir, "Patient/one/_history?_since=2001-01-01T00:00:00Z")
    assert len(every["entry"]) == 5
    later = await history(fhir, "Patient/one/_history?_since=2999-01-01T00:00:00Z")
    assert "entry" not in later


async def test_at(fhir: httpx2.AsyncClient) -> None:
    entries = (await history(fhir, "Patient/one/_history"))["entry"]
    moment = entries[-1]["resource"]["meta"]["lastUpdated"]
    at = await history(fhir, f"Patient/one/_history?_at={moment}")
    assert "male" in [one["resource"]["gender"] for one in at["entry"]]
    assert (await history(fhir, "Patient/one/_history?_at=2001")).get("entry", []) == []


@pytest.mark.parametrize(
    "path", ["Patient/none/_history", "Nonsense/_history", "Nonsense/1/_history"]
)
async def test_not_found(fhir: httpx2.AsyncClient, path: str) -> None:
    refused(await fhir.get(f"/fhir/{path}"), 404)


@pytest.mark.parametrize(
    "query", ["_since=yesterday", "_count=x", "_count=-1", "_at=x", "nonsense=1", "gender=male"]
)
async def test_bad_parameters(fhir: httpx2.AsyncClient, query: str) -> None:
    refused(await fhir.get(f"/fhir/Patient/one/_history?{query}"), 400)


async def test_of_a_deleted_resource(fhir: httpx2.AsyncClient) -> None:
    await keep(fhir, [resource("Basic", "gone", code={"text": "x"})])
    await fhir.delete("/fhir/Basic/gone")
    bundle = await history(fhir, "Basic/gone/_history")
    assert [one["request"]["method"] for one in bundle["entry"]] == ["DELETE", "PUT"]


async def test_a_create_is_a_post(fhir: httpx2.AsyncClient) -> None:
    made = (
        await fhir.post(
            "/fhir/Group", json={"resourceType": "Group", "type": "person", "actual": True}
        )
    ).json()
    bundle = await history(fhir, f"Group/{made['id']}/_history")
    (entry,) = bundle["entry"]
    assert entry["request"]["method"] == "POST"
    assert entry["response"]["status"].startswith("201")
    assert entry["resource"] == made
