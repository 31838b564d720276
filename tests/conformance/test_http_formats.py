"""JSON and XML, _format, _pretty, 406 and 415. https://hl7.org/fhir/R4/http.html#mime-type"""

from __future__ import annotations

import json
from xml.etree import ElementTree

import httpx2
import pytest
import pytest_asyncio

from tests.conformance.asking import keep, refused, resource

JSON, XML = "application/fhir+json", "application/fhir+xml"
F = "{http://hl7.org/fhir}"
DIV = '<div xmlns="http://www.w3.org/1999/xhtml"><p>A &amp; B &lt; C</p></div>'


def parsed(content: bytes) -> ElementTree.Element:
    return ElementTree.fromstring(content)  # noqa: S314 -- an answer of our own server


@pytest_asyncio.fixture(scope="module", loop_scope="session", autouse=True)
async def kept(fhir: httpx2.AsyncClient) -> None:
    one = resource(
        "Patient",
        "one",
        text={"status": "generated", "div": DIV},
        active=True,
        name=[{"family": "Ünal & Söhne", "given": ["A", "B"], "_family": {"id": "f"}}],
        birthDate="1980-01-01",
        multipleBirthInteger=2,
    )
    await keep(fhir, [one])


ACCEPTED = [
    (None, JSON),
    ("*/*", JSON),
    ("application/*", JSON),
    (JSON, JSON),
    ("application/json", JSON),
    ("text/json", JSON),
    (XML, XML),
    ("application/xml", XML),
    ("text/xml", XML),
    (f"{XML};q=0.5, {JSON};q=0.9", JSON),
    (f"{XML};q=0.9, {JSON};q=0.5", XML),
    (f"text/html, {XML};q=0.9, */*;q=0.1", XML),
    (f"{JSON}; fhirVersion=4.0", JSON),
    (f"{XML}; fhirVersion=4.0", XML),
    (f"{JSON};charset=utf-8", JSON),
]


@pytest.mark.parametrize(("accept", "wanted"), ACCEPTED)
async def test_accept(fhir: httpx2.AsyncClient, accept: str | None, wanted: str) -> None:
    headers = {"Accept": accept} if accept else {}
    for path in ("Patient/one", "Patient?_id=one", "metadata", "Patient/one/_history"):
        answer = await fhir.get(f"/fhir/{path}", headers=headers)
        assert answer.status_code == 200
        assert answer.headers["content-type"].split(";")[0] == wanted
        if wanted == JSON:
            answer.json()
        else:
            parsed(answer.content)


@pytest.mark.parametrize(
    ("format", "wanted"),
    [
        ("json", JSON),
        ("application/json", JSON),
        ("application/fhir%2Bjson", JSON),
        ("application/fhir+json", JSON),
        ("text/json", JSON),
        ("xml", XML),
        ("text/xml", XML),
        ("application/xml", XML),
        ("application/fhir%2Bxml", XML),
        ("application/fhir+xml", XML),
    ],
)
async def test_format_outweighs_accept(fhir: httpx2.AsyncClient, format: str, wanted: str) -> None:
    other = JSON if wanted == XML else XML
    for path in ("Patient/one?", "Patient?_id=one&", "metadata?"):
        answer = await fhir.get(f"/fhir/{path}_format={format}", headers={"Accept": other})
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].split(";")[0] == wanted


@pytest.mark.parametrize("accept", ["text/plain", "application/pdf", "image/*"])
async def test_not_acceptable(fhir: httpx2.AsyncClient, accept: str) -> None:
    answer = await fhir.get("/fhir/Patient/one", headers={"Accept": accept})
    assert answer.status_code == 406


async def test_no_such_format(fhir: httpx2.AsyncClient) -> None:
    assert (await fhir.get("/fhir/Patient/one?_format=nonsense")).status_code in (400, 406)


async def test_xml_says_the_same(fhir: httpx2.AsyncClient) -> None:
    answer = await fhir.get("/fhir/Patient/one?_format=xml")
    root = parsed(answer.content)
    assert root.tag == f"{F}Patient"

    def value(path: str) -> str | None:
        found = root.find("/".join(f"{F}{name}" for name in path.split("/")))
        return None if found is None else found.get("value")

    assert value("id") == "one"
    assert value("active") == "true"
    assert value("name/family") == "Ünal & Söhne"
    assert value("birthDate") == "1980-01-01"
    assert value("multipleBirthInteger") == "2"
    assert [one.get("value") for one in root.iter(f"{F}given")] == ["A", "B"]
    names = [child.tag.removeprefix(F) for child in root]
    assert names == [
        "id", "meta", "text", "active", "name", "birthDate", "multipleBirthInteger",
    ]  # fmt: skip
    div = root.find(f"{F}text/{{http://www.w3.org/1999/xhtml}}div")
    assert div is not None
    assert "".join(div.itertext()) == "A & B < C"


@pytest.mark.parametrize("type", [XML, "application/xml", "text/xml", f"{XML}; charset=UTF-8"])
async def test_xml_comes_in(fhir: httpx2.AsyncClient, type: str) -> None:
    body = (
        '<?xml version="1.0" encoding="UTF-8"?><Patient xmlns="http://hl7.org/fhir">'
        '<active value="false"/><name><family value="Çelik"/></name></Patient>'
    )
    answer = await fhir.post(
        "/fhir/Patient",
        content=body.encode(),
        headers={"Content-Type": type, "Accept": JSON},
    )
    assert answer.status_code == 201, answer.text
    assert answer.json()["active"] is False
    assert answer.json()["name"] == [{"family": "Çelik"}]


async def test_xml_of_an_update_and_a_transaction(fhir: httpx2.AsyncClient) -> None:
    headers = {"Content-Type": XML, "Accept": XML}
    body = '<Patient xmlns="http://hl7.org/fhir"><id value="x"/><active value="true"/></Patient>'
    answer = await fhir.put("/fhir/Patient/x", content=body, headers=headers)
    assert answer.status_code == 201
    assert parsed(answer.content).tag == f"{F}Patient"
    bundle = (
        '<Bundle xmlns="http://hl7.org/fhir"><type value="transaction"/><entry><resource>'
        '<Patient><active value="true"/></Patient></resource><request><method value="POST"/>'
        '<url value="Patient"/></request></entry></Bundle>'
    )
    answer = await fhir.post("/fhir", content=bundle, headers=headers)
    assert answer.status_code == 200, answer.text
    root = parsed(answer.content)
    status = root.find(f"{F}entry/{F}response/{F}status")
    assert status is not None
    assert (status.get("value") or "").startswith("201")


@pytest.mark.parametrize(
    "text",
    [
        "<Patient",
        "<Patient/>",
        '<Observation xmlns="http://hl7.org/fhir"/>',
        '<Patient xmlns="http://hl7.org/fhir"><nonsense value="1"/></Patient>',
        '<Patient xmlns="http://hl7.org/fhir"><active value="yes"/></Patient>',
        '<Patient xmlns="http://hl7.org/fhir"><name/><active value="true"/></Patient>',
        '<!DOCTYPE x [<!ENTITY e "boom">]><Patient xmlns="http://hl7.org/fhir">'
        '<gender value="&e;"/></Patient>',
    ],
)
async def test_bad_xml_is_refused(fhir: httpx2.AsyncClient, text: str) -> None:
    answer = await fhir.post(
        "/fhir/Patient", content=text, headers={"Content-Type": XML, "Accept": JSON}
    )
    refused(answer, 400, 422)


async def test_errors_are_in_the_format_asked_for(fhir: httpx2.AsyncClient) -> None:
    answer = await fhir.get("/fhir/Patient/none", headers={"Accept": XML})
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith(XML)
    assert parsed(answer.content).tag == f"{F}OperationOutcome"


async def test_pretty(fhir: httpx2.AsyncClient) -> None:
    plain = await fhir.get("/fhir/Patient/one?_pretty=false")
    pretty = await fhir.get("/fhir/Patient/one?_pretty=true")
    assert json.loads(plain.content) == json.loads(pretty.content)
    for format in ("json", "xml"):
        answer = await fhir.get(f"/fhir/Patient/one?_pretty=true&_format={format}")
        assert answer.status_code == 200


async def test_charset_is_utf8(fhir: httpx2.AsyncClient) -> None:
    answer = await fhir.get("/fhir/Patient/one")
    assert "Ünal" in answer.content.decode("utf-8")
    assert (
        "utf-8" in answer.headers.get("content-type", "").lower()
        or ";" not in (answer.headers["content-type"])
    )


async def test_decimals_keep_their_precision(fhir: httpx2.AsyncClient) -> None:
    text = (
        '{"resourceType":"Observation","status":"final","code":{"text":"x"},'
        '"valueQuantity":{"value":1.50}}'
    )
    made = await fhir.post("/fhir/Observation", content=text, headers={"Content-Type": JSON})
    path = f"/fhir/Observation/{made.json()['id']}"
    assert b"1.50" in (await fhir.get(path)).content
    assert b'"1.50"' in (await fhir.get(f"{path}?_format=xml")).content


@pytest.mark.parametrize("type", ["text/plain", "application/pdf", "multipart/form-data"])
async def test_other_bodies_are_415(fhir: httpx2.AsyncClient, type: str) -> None:
    refused(await fhir.put("/fhir/Patient/z", content=b"x", headers={"Content-Type": type}), 415)
