"""ETag, Last-Modified, Location, Prefer and conditional reads. https://hl7.org/fhir/R4/http.html"""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime

import httpx2
import pytest
import pytest_asyncio

from tests.conformance.asking import keep, refused, resource


@pytest_asyncio.fixture(scope="module", loop_scope="session", autouse=True)
async def kept(fhir: httpx2.AsyncClient) -> None:
    await keep(fhir, [resource("Patient", "one", active=True)])


async def read(fhir: httpx2.AsyncClient, **headers: str) -> httpx2.Response:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return await fhir.get("/fhir/Patient/one", headers=names)


async def test_etag_is_weak_and_the_version(fhir: httpx2.AsyncClient) -> None:
    answer = await read(fhir)
    assert answer.headers["etag"] == f'W/"{answer.json()["meta"]["versionId"]}"'


async def test_last_modified_is_last_updated(fhir: httpx2.AsyncClient) -> None:
    answer = await read(fhir)
    moment = datetime.fromisoformat(answer.json()["meta"]["lastUpdated"])
    assert parsedate_to_datetime(answer.headers["last-modified"]) == moment.replace(microsecond=0)


@pytest.mark.parametrize(
    ("tag", "status"),
    [
        ('W/"1"', 304),
        ('"1"', 304),
        ('W/"0", W/"1"', 304),
        ("*", 304),
        ('W/"2"', 200),
        ('W/"x"', 200),
    ],
)
async def test_if_none_match(fhir: httpx2.AsyncClient, tag: str, status: int) -> None:
    answer = await read(fhir, If_None_Match=tag)
    assert answer.status_code == status
    if status == 304:
        assert answer.content == b""
        assert answer.headers["etag"] == 'W/"1"'


async def test_if_modified_since(fhir: httpx2.AsyncClient) -> None:
    stamp = (await read(fhir)).headers["last-modified"]
    assert (await read(fhir, If_Modified_Since=stamp)).status_code == 304
    early = format_datetime(datetime(2001, 1, 1, tzinfo=UTC), usegmt=True)
    assert (await read(fhir, If_Modified_Since=early)).status_code == 200


async def test_a_change_ends_not_modified(fhir: httpx2.AsyncClient) -> None:
    await keep(fhir, [resource("Patient", "two", active=True)])
    tag = (await fhir.get("/fhir/Patient/two")).headers["etag"]
    await keep(fhir, [resource("Patient", "two", active=False)])
    answer = await fhir.get("/fhir/Patient/two", headers={"If-None-Match": tag})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("preference", "kind"),
    [
        ("return=minimal", None),
        ("return=representation", "Patient"),
        ("return=OperationOutcome", "OperationOutcome"),
        ("respond-async;q=0, return=minimal", None),
    ],
)
async def test_prefer_of_an_update(
    fhir: httpx2.AsyncClient, preference: str, kind: str | None
) -> None:
    body = resource("Patient", "preferring", language=preference[-2:].replace("=", "x"))
    answer = await fhir.put("/fhir/Patient/preferring", json=body, headers={"Prefer": preference})
    assert answer.status_code in (200, 201)
    assert answer.headers["etag"]
    assert answer.headers["last-modified"]
    if kind is None:
        assert answer.content == b""
    else:
        assert answer.json()["resourceType"] == kind


@pytest.mark.parametrize("tag", ["1", "nonsense", 'W/"1', ""])
async def test_a_tag_that_is_none(fhir: httpx2.AsyncClient, tag: str) -> None:
    """Versions are compared as ETags; what is none never matches."""
    body = resource("Patient", "one", active=False)
    answer = await fhir.put("/fhir/Patient/one", json=body, headers={"If-Match": tag})
    if tag == "1" and answer.status_code == 200:  # some clients leave the quotes out
        await keep(fhir, [resource("Patient", "one", active=True)])
        return
    refused(answer, 400, 412)


async def test_location_of_a_create_can_be_read(fhir: httpx2.AsyncClient) -> None:
    answer = await fhir.post("/fhir/Basic", json={"resourceType": "Basic", "code": {"text": "x"}})
    read = await fhir.get(answer.headers["location"])
    assert read.status_code == 200
    assert read.headers["etag"] == answer.headers["etag"]
    assert read.headers["last-modified"] == answer.headers["last-modified"]


async def test_times_are_instants(fhir: httpx2.AsyncClient) -> None:
    moment = (await read(fhir)).json()["meta"]["lastUpdated"]
    parsed = datetime.fromisoformat(moment)
    assert parsed.tzinfo is not None
    assert abs((datetime.now(UTC) - parsed).total_seconds()) < 600


async def test_what_is_not_allowed_is_405_with_allow(fhir: httpx2.AsyncClient) -> None:
    answer = await fhir.post("/fhir/Patient/one/_history/1", json={"resourceType": "Patient"})
    refused(answer, 404, 405)
    if answer.status_code == 405:
        assert "GET" in answer.headers["allow"]


async def test_metadata_needs_no_token(anonymous: httpx2.AsyncClient) -> None:
    body = (await anonymous.get("/fhir/metadata")).json()
    assert body["resourceType"] == "CapabilityStatement"
    assert body["fhirVersion"] == "4.0.1"
    assert body["kind"] == "instance"


async def test_metadata_has_an_etag(anonymous: httpx2.AsyncClient) -> None:
    """An ETag header SHOULD be returned with the response of capabilities."""
    assert (await anonymous.get("/fhir/metadata")).headers.get("etag")


@pytest.mark.parametrize(
    ("mode", "kind"),
    [
        ("full", "CapabilityStatement"),
        ("normative", "CapabilityStatement"),
        ("terminology", "TerminologyCapabilities"),
    ],
)
async def test_modes_of_metadata(anonymous: httpx2.AsyncClient, mode: str, kind: str) -> None:
    answer = await anonymous.get(f"/fhir/metadata?mode={mode}")
    assert answer.json()["resourceType"] == kind


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "Patient"),
        ("GET", "Patient/one"),
        ("POST", "Patient"),
        ("PUT", "Patient/one"),
        ("DELETE", "Patient/one"),
        ("PATCH", "Patient/one"),
        ("GET", "Patient/one/_history"),
        ("GET", "_history"),
        ("POST", ""),
        ("POST", "Patient/$validate"),
    ],
)
async def test_all_else_does(anonymous: httpx2.AsyncClient, method: str, path: str) -> None:
    answer = await anonymous.request(method, f"/fhir/{path}", headers={"Authorization": "Bearer x"})
    refused(answer, 401)
