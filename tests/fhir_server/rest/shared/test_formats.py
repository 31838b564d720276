"""JSON and XML in and out. FHIR R4 3.1.0.1.10."""

from __future__ import annotations

import httpx2
import pytest
import pytest_asyncio

JSON, XML = "application/fhir+json", "application/fhir+xml"
PATIENT = (
    b'<Patient xmlns="http://hl7.org/fhir"><id value="p"/><active value="true"/>'
    b'<name id="n"><family value="A &amp; B"/></name></Patient>'
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stored(fhir: httpx2.AsyncClient) -> httpx2.AsyncClient:
    headers = {"Content-Type": XML}
    answer = await fhir.put("/fhir/Patient/p", content=PATIENT, headers=headers)
    assert answer.status_code == 201, answer.text
    return fhir


async def test_what_came_as_xml_is_read_as_json_and_as_xml(stored: httpx2.AsyncClient) -> None:
    body = (await stored.get("/fhir/Patient/p")).json()
    assert body["name"] == [{"id": "n", "family": "A & B"}]
    assert body["active"] is True
    answer = await stored.get("/fhir/Patient/p", headers={"Accept": XML})
    assert answer.headers["content-type"].startswith(XML)
    assert '<name id="n"><family value="A &amp; B"/></name>' in answer.text


@pytest.mark.parametrize(
    ("accept", "type"),
    [
        (f"{XML};q=0.5, {JSON};q=0.9", JSON),
        (f"{XML}, {JSON};q=0.9", XML),
        ("text/html, application/xml;q=0.9, */*;q=0.8", XML),
        ("*/*", JSON),
        (f"{XML}; fhirVersion=4.0", XML),
        ("application/*", JSON),
    ],
)
async def test_accept(stored: httpx2.AsyncClient, accept: str, type: str) -> None:
    answer = await stored.get("/fhir/Patient/p", headers={"Accept": accept})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith(type)


@pytest.mark.parametrize(
    "accept", ["text/html", f"{JSON};q=0, {XML};q=0", f"{JSON};fhirVersion=5.0"]
)
async def test_not_acceptable(stored: httpx2.AsyncClient, accept: str) -> None:
    answer = await stored.get("/fhir/Patient/p", headers={"Accept": accept})
    assert answer.status_code == 406
    assert answer.json()["resourceType"] == "OperationOutcome"


@pytest.mark.parametrize(
    ("format", "type"), [("xml", XML), ("application/fhir+xml", XML), ("json", JSON)]
)
async def test_format_outweighs_accept(stored: httpx2.AsyncClient, format: str, type: str) -> None:
    answer = await stored.get(f"/fhir/Patient/p?_format={format}", headers={"Accept": JSON})
    assert answer.headers["content-type"].startswith(type)


async def test_a_searchset_and_an_error_are_xml_too(stored: httpx2.AsyncClient) -> None:
    found = await stored.get("/fhir/Patient", headers={"Accept": XML})
    assert found.text.count("<entry>") == 1
    gone = await stored.get("/fhir/Patient/q", headers={"Accept": XML})
    assert gone.status_code == 404
    assert '<OperationOutcome xmlns="http://hl7.org/fhir">' in gone.text


@pytest.mark.parametrize(
    "body",
    [
        b"<Patient/>",
        b'<!DOCTYPE p [<!ENTITY e "x">]><Patient xmlns="http://hl7.org/fhir"/>',
        b'<Patient xmlns="http://hl7.org/fhir"><nonsense value="1"/></Patient>',
        b'<Patient xmlns="http://hl7.org/fhir">secret</Patient>',
        b'<Patient xmlns="http://hl7.org/fhir"><active value="yes"/></Patient>',
        b"<Patient",
        b"",
    ],
)
async def test_bad_xml_is_malformed(fhir: httpx2.AsyncClient, body: bytes) -> None:
    answer = await fhir.post("/fhir/Patient", content=body, headers={"Content-Type": XML})
    assert answer.status_code == 400
    assert "secret" not in answer.text


async def test_other_types_are_not_read(fhir: httpx2.AsyncClient) -> None:
    for type in ("text/plain", f"{JSON}; fhirVersion=3.0"):
        answer = await fhir.post("/fhir/Patient", content=b"{}", headers={"Content-Type": type})
        assert answer.status_code == 415
