"""read and vread. https://hl7.org/fhir/R4/http.html#read and #vread"""

from __future__ import annotations

import httpx2
import pytest
import pytest_asyncio

from tests.conformance.asking import keep, refused, resource

ONE = resource("Patient", "one", active=True, gender="other")


@pytest_asyncio.fixture(scope="module", loop_scope="session", autouse=True)
async def kept(fhir: httpx2.AsyncClient) -> None:
    await keep(fhir, [ONE, {**ONE, "active": False}])
    await keep(fhir, [resource("Patient", "dead", active=True)])
    assert (await fhir.delete("/fhir/Patient/dead")).status_code in (200, 204)


async def test_read(fhir: httpx2.AsyncClient) -> None:
    answer = await fhir.get("/fhir/Patient/one")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/fhir+json")
    one = answer.json()
    assert (one["resourceType"], one["id"], one["active"]) == ("Patient", "one", False)
    assert answer.headers["etag"] == f'W/"{one["meta"]["versionId"]}"'
    assert answer.headers["last-modified"]


async def test_vread(fhir: httpx2.AsyncClient) -> None:
    current = (await fhir.get("/fhir/Patient/one")).json()
    history = (await fhir.get("/fhir/Patient/one/_history")).json()
    old = history["entry"][1]["resource"]["meta"]["versionId"]
    answer = await fhir.get(f"/fhir/Patient/one/_history/{old}")
    assert answer.status_code == 200
    assert answer.json()["active"] is True
    assert answer.json()["meta"]["versionId"] == old
    assert answer.headers["etag"] == f'W/"{old}"'
    now = current["meta"]["versionId"]
    assert (await fhir.get(f"/fhir/Patient/one/_history/{now}")).json() == current


@pytest.mark.parametrize(
    "path",
    [
        "Patient/none",
        "Patient/one/_history/999",
        "Patient/one/_history/nonsense",
        "Patient/none/_history/1",
        "Observation/one",
        "Nonsense/one",
        "patient/one",
    ],
)
async def test_not_found(fhir: httpx2.AsyncClient, path: str) -> None:
    refused(await fhir.get(f"/fhir/{path}"), 404)


async def test_deleted_is_gone(fhir: httpx2.AsyncClient) -> None:
    refused(await fhir.get("/fhir/Patient/dead"), 410)


async def test_versions_outlive_the_delete(fhir: httpx2.AsyncClient) -> None:
    answer = await fhir.get("/fhir/Patient/dead/_history/1")
    assert answer.status_code == 200
    assert answer.json()["active"] is True
    history = (await fhir.get("/fhir/Patient/dead/_history")).json()
    assert history["entry"][0]["request"]["method"] == "DELETE"
    refused(await fhir.get("/fhir/Patient/dead/_history/2"), 410)


@pytest.mark.parametrize("id", ["with%20blank", "under_score", "a" * 65, "%C3%A4"])
async def test_what_is_no_id(fhir: httpx2.AsyncClient, id: str) -> None:
    refused(await fhir.get(f"/fhir/Patient/{id}"), 400, 404)


@pytest.mark.parametrize("path", ["Patient/one", "Patient/one/_history/1"])
async def test_head(fhir: httpx2.AsyncClient, path: str) -> None:
    answer = await fhir.head(f"/fhir/{path}")
    assert answer.status_code == 200
    assert answer.content == b""
    full = await fhir.get(f"/fhir/{path}")
    assert answer.headers["etag"] == full.headers["etag"]
    assert answer.headers["last-modified"] == full.headers["last-modified"]


async def test_head_of_nothing(fhir: httpx2.AsyncClient) -> None:
    assert (await fhir.head("/fhir/Patient/none")).status_code == 404


async def test_ids_differ_in_case(fhir: httpx2.AsyncClient) -> None:
    refused(await fhir.get("/fhir/Patient/ONE"), 404)


@pytest.mark.parametrize("summary", ["true", "text", "data", "false"])
async def test_summary_of_a_read(fhir: httpx2.AsyncClient, summary: str) -> None:
    answer = await fhir.get(f"/fhir/Patient/one?_summary={summary}")
    assert answer.status_code == 200
    assert answer.json()["id"] == "one"


async def test_elements_of_a_read(fhir: httpx2.AsyncClient) -> None:
    one = (await fhir.get("/fhir/Patient/one?_elements=active")).json()
    assert one["active"] is False
    assert one["meta"]["tag"][0]["code"] == "SUBSETTED"


async def test_count_is_for_searches_only(fhir: httpx2.AsyncClient) -> None:
    refused(await fhir.get("/fhir/Patient/one?_summary=count"), 400)


async def test_without_a_token(anonymous: httpx2.AsyncClient) -> None:
    answer = await anonymous.get("/fhir/Patient/one")
    refused(answer, 401)
    assert "bearer" in answer.headers["www-authenticate"].lower()
