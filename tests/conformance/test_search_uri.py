"""Parameters of type uri. https://hl7.org/fhir/R4/search.html#uri"""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
import pytest_asyncio

from tests.conformance.asking import address, found, keep, refused, resource


def value_set(id: str, url: str | None, **members: Any) -> dict[str, Any]:
    given = {} if url is None else {"url": url}
    return resource("ValueSet", id, status="active", **given, **members)


DATA = [
    value_set("123", "http://acme.org/fhir/ValueSet/123"),
    value_set("sub", "http://acme.org/fhir/ValueSet/123/history/5"),
    value_set("history", "http://acme.org/fhir/ValueSet/123/history"),
    value_set("1234", "http://acme.org/fhir/ValueSet/1234"),
    value_set("upper", "http://acme.org/fhir/ValueSet/ABC"),
    value_set("lower", "http://acme.org/fhir/valueset/abc"),
    value_set("slash", "http://acme.org/fhir/ValueSet/123/"),
    value_set("oid", "urn:oid:1.2.3.4.5"),
    value_set("oid-longer", "urn:oid:1.2.3.4.5.6"),
    value_set("comma", "http://acme.org/a,b?c=d"),
    value_set("version", "http://acme.org/versioned", version="2.0"),
    value_set("none", None),
]


@pytest_asyncio.fixture(scope="module", loop_scope="session", autouse=True)
async def kept(fhir: httpx2.AsyncClient) -> None:
    await keep(fhir, DATA)


BASE = "http://acme.org/fhir/ValueSet"
FINDS = [
    # precise, case-, accent- and escape-sensitive, the whole of it
    (f"url={BASE}/123", "123"),
    (f"url={BASE}/12", ""),
    (f"url={BASE}/1234", "1234"),
    (f"url={BASE}/123/", "slash"),
    (f"url={BASE}/ABC", "upper"),
    (f"url={BASE}/abc", ""),
    ("url=http://acme.org/fhir/valueset/abc", "lower"),
    ("url=HTTP://acme.org/fhir/ValueSet/123", ""),
    ("url=urn:oid:1.2.3.4.5", "oid"),
    ("url=urn:oid:1.2.3", ""),
    ("url=http://acme.org/a\\,b%3Fc%3Dd", "comma"),
    (f"url={BASE}/123,urn:oid:1.2.3.4.5", "123 oid"),
    (f"url={BASE}/123&url={BASE}/1234", ""),
    ("url:missing=true", "none"),
    (f"url:below={BASE}/123", "123 history slash sub"),
    (f"url:below={BASE}/123/history", "history sub"),
    (f"url:below={BASE}", "123 1234 history slash sub upper"),
    (f"url:below={BASE}/", "123 1234 history slash sub upper"),
    (f"url:below={BASE}/123/history/5", "sub"),
    (f"url:below={BASE}/1", ""),
    (f"url:above={BASE}/123/history/5/_x", "123 history slash sub"),
    (f"url:above={BASE}/123/history/5", "123 history slash sub"),
    (f"url:above={BASE}/123", "123"),
    (f"url:above={BASE}", ""),
    ("url:above=http://acme.org/versioned/x", "version"),
]


@pytest.mark.parametrize(("query", "wanted"), FINDS)
async def test_finds(fhir: httpx2.AsyncClient, query: str, wanted: str) -> None:
    path = address(f"ValueSet?{query}").replace("%253F", "%3F").replace("%253D", "%3D")
    body = (await fhir.get(path)).json()
    ids = sorted(entry["resource"]["id"] for entry in body.get("entry", []))
    # Whether the address with a slash at its end lies above or below is left open.
    open_ones = {"slash"} if ":" in query.split("=")[0] else set()
    assert set(ids) - open_ones == set(wanted.split()) - open_ones


async def test_missing_false(fhir: httpx2.AsyncClient) -> None:
    ids = await found(fhir, "ValueSet?url:missing=false")
    assert ids.split() == sorted(one["id"] for one in DATA if one["id"] != "none")


@pytest.mark.parametrize(
    "url", ["http%3A%2F%2Facme.org%2Ffhir%2FValueSet%2F123", "http://acme%2Eorg/fhir/ValueSet/123"]
)
async def test_url_escapes(fhir: httpx2.AsyncClient, url: str) -> None:
    body = (await fhir.get(f"/fhir/ValueSet?url={url}")).json()
    assert [entry["resource"]["id"] for entry in body["entry"]] == ["123"]


@pytest.mark.parametrize("modifier", ["exact", "not", "in", "text", "identifier", "nonsense"])
async def test_other_modifiers_are_refused(fhir: httpx2.AsyncClient, modifier: str) -> None:
    refused(await fhir.get(f"/fhir/ValueSet?url:{modifier}=urn:x"), 400)


async def test_no_value_is_refused(fhir: httpx2.AsyncClient) -> None:
    refused(await fhir.get("/fhir/ValueSet?url="), 400)


async def test_urn_is_compared_as_a_whole(fhir: httpx2.AsyncClient) -> None:
    """The specification has :above and :below for URLs, not for URNs."""
    answer = await fhir.get(address("ValueSet?url:below=urn:oid:1.2.3.4.5"))
    if answer.status_code == 200:
        found_ids = [entry["resource"]["id"] for entry in answer.json().get("entry", [])]
        assert "oid-longer" not in found_ids
    else:
        refused(answer, 400)


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("Device?url=http://acme.org/devices/1", "dev"),
        ("Device?url:below=http://acme.org/devices", "dev"),
        ("CapabilityStatement?url=http://acme.org/cap", "cap"),
        ("StructureDefinition?url=http://acme.org/sd&type=Patient", "sd"),
    ],
)
async def test_other_types(fhir: httpx2.AsyncClient, query: str, wanted: str) -> None:
    await keep(
        fhir,
        [
            resource("Device", "dev", url="http://acme.org/devices/1"),
            resource(
                "CapabilityStatement",
                "cap",
                url="http://acme.org/cap",
                status="draft",
                date="2024",
                kind="requirements",
                rest=[{"mode": "server"}],
                fhirVersion="4.0.1",
                format=["json"],
                description="For a test",
            ),
            resource(
                "StructureDefinition",
                "sd",
                url="http://acme.org/sd",
                name="Sd",
                status="draft",
                kind="resource",
                abstract=False,
                type="Patient",
                baseDefinition="http://hl7.org/fhir/StructureDefinition/Patient",
                derivation="constraint",
                differential={"element": [{"id": "Patient", "path": "Patient"}]},
            ),
        ],
    )
    assert await found(fhir, query) == wanted
