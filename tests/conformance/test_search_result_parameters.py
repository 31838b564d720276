"""_sort, _count, _total, _include, _revinclude, _summary, _elements, _contained and paging.

https://hl7.org/fhir/R4/search.html#return
"""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
import pytest_asyncio

from tests.conformance.asking import (
    LOINC,
    Json,
    address,
    coded,
    entries,
    ids,
    keep,
    link,
    observation,
    refused,
    resource,
    searchset,
    to,
    ucum,
)

TEXT = {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">x</div>'}
DATA = [
    resource("Organization", "trust", name="Trust"),
    resource("Organization", "ward", name="Ward", partOf=to("Organization/trust")),
    resource("Practitioner", "doc", name=[{"family": "Doc"}]),
    resource(
        "Patient",
        "a",
        active=True,
        text=TEXT,
        identifier=[{"system": "urn:mrn", "value": "1"}],
        name=[{"family": "alpha"}, {"family": "Zulu"}],
        birthDate="1990-05-05",
        gender="female",
        managingOrganization=to("Organization/ward"),
        generalPractitioner=[to("Practitioner/doc")],
        contact=[{"name": {"family": "Mother"}}],
    ),
    resource(
        "Patient",
        "b",
        name=[{"family": "Bravo"}],
        maritalStatus={"text": "Married"},  # no part of a summary
        birthDate="1980",
        gender="male",
        managingOrganization=to("Organization/gone"),
    ),
    resource("Patient", "c", name=[{"family": "älvar"}], birthDate="1985-06", gender="male"),
    resource("Patient", "d", active=False),
    observation(
        "o1", subject=to("Patient/a"), effectiveDateTime="2024-01-03", valueQuantity=ucum(5, "kg")
    ),
    observation(
        "o2",
        status="preliminary",
        subject=to("Patient/a"),
        effectiveDateTime="2024-01-01",
        valueQuantity=ucum(2000, "g"),
        hasMember=[to("Observation/o3")],
    ),
    observation(
        "o3",
        subject=to("Patient/b"),
        effectiveDateTime="2024-01-02",
        valueQuantity=ucum(9, "kg"),
        derivedFrom=[to("Observation/o4")],
        performer=[to("Practitioner/doc")],
    ),
    observation("o4", code=coded(LOINC, "1-8"), derivedFrom=[to("Observation/o5")]),
    observation("o5", code=coded(LOINC, "1-8"), subject=to("http://elsewhere.org/fhir/Patient/x")),
    resource(
        "Provenance",
        "p1",
        target=[to("Observation/o1")],
        recorded="2024-01-02T00:00:00Z",
        agent=[{"who": to("Practitioner/doc")}],
    ),
]


@pytest_asyncio.fixture(scope="module", loop_scope="session", autouse=True)
async def kept(fhir: httpx2.AsyncClient) -> None:
    await keep(fhir, DATA)


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("Patient?_sort=family&family:missing=false&_id:not=c", "a b"),
        ("Patient?_sort=-family&family:missing=false&_id:not=c", "a b"),
        ("Patient?_sort=birthdate&birthdate:missing=false", "b c a"),
        ("Patient?_sort=-birthdate&birthdate:missing=false", "a c b"),
        ("Patient?_sort=_id", "a b c d"),
        ("Patient?_sort=-_id", "d c b a"),
        ("Patient?_sort=_lastUpdated", "a b c d"),
        ("Patient?_sort=-_lastUpdated", "d c b a"),
        ("Patient?_sort=gender,-birthdate&gender:missing=false", "a c b"),
        ("Patient?_sort=gender,birthdate&gender:missing=false", "a b c"),
        ("Patient?_sort=-gender,birthdate&gender:missing=false", "b c a"),
        ("Observation?_sort=date&date:missing=false", "o2 o3 o1"),
        ("Observation?_sort=-date&date:missing=false", "o1 o3 o2"),
        ("Observation?_sort=status,-date&date:missing=false", "o1 o3 o2"),
        ("Observation?_sort=-status,date&date:missing=false", "o2 o3 o1"),
        ("Observation?_sort=value-quantity&value-quantity:missing=false", "o2 o1 o3"),
        ("Observation?_sort=subject,date&date:missing=false", "o2 o1 o3"),
        ("Observation?_sort=code,_id", "o4 o5 o1 o2 o3"),
    ],
)
async def test_sort(fhir: httpx2.AsyncClient, query: str, wanted: str) -> None:
    assert " ".join(ids(await searchset(fhir, query))) == wanted


async def test_resources_without_a_value_are_sorted_too(fhir: httpx2.AsyncClient) -> None:
    for order in ("birthdate", "-birthdate"):
        assert sorted(ids(await searchset(fhir, f"Patient?_sort={order}"))) == ["a", "b", "c", "d"]


@pytest.mark.parametrize("order", ["", "nonsense", "-", "family,nonsense", "family,,gender"])
async def test_no_order_is_refused(fhir: httpx2.AsyncClient, order: str) -> None:
    refused(await fhir.get(f"/fhir/Patient?_sort={order}"), 400)


async def test_last_of_its_kind(fhir: httpx2.AsyncClient) -> None:
    bundle = await searchset(fhir, "Observation?code=8867-4&_sort=-date&_count=1")
    assert ids(bundle) == ["o1"]
    assert link(bundle, "next") is not None


async def test_pages(fhir: httpx2.AsyncClient) -> None:
    query: str | None = address("Patient?_count=1&_sort=birthdate&_total=accurate")
    seen: list[str] = []
    while query:
        bundle = (await fhir.get(query)).json()
        assert bundle["total"] == 4, "the number of matches, not of the page"
        assert len(ids(bundle)) <= 1
        assert link(bundle, "self")
        seen += ids(bundle)
        query = link(bundle, "next")
        if query:
            assert parse_qs(urlsplit(query).query)["_count"] == ["1"]
    assert sorted(seen) == ["a", "b", "c", "d"]


async def test_back_to_the_page_before(fhir: httpx2.AsyncClient) -> None:
    first = await searchset(fhir, "Patient?_count=2&_sort=_id")
    second = (await fhir.get(link(first, "next") or "")).json()
    assert ids(second) == ["c", "d"]
    assert link(second, "next") is None
    back = link(second, "previous") or link(second, "prev") or ""
    assert ids((await fhir.get(back)).json()) == ["a", "b"]
    assert link(first, "previous") is None
    if link(second, "first"):
        assert ids((await fhir.get(link(second, "first") or "")).json()) == ["a", "b"]


async def test_links_are_whole_addresses(fhir: httpx2.AsyncClient) -> None:
    bundle = await searchset(fhir, "Patient?gender=male&_count=1")
    for one in bundle["link"]:
        assert one["url"].startswith("http://test/fhir/")
    query = parse_qs(urlsplit(link(bundle, "self") or "").query)
    assert query["gender"] == ["male"]


async def test_every_entry_has_a_full_url_and_a_mode(fhir: httpx2.AsyncClient) -> None:
    bundle = await searchset(fhir, "Observation?_include=Observation:subject")
    for entry in bundle["entry"]:
        one = entry["resource"]
        assert entry["fullUrl"] == f"http://test/fhir/{one['resourceType']}/{one['id']}"
        assert entry["search"]["mode"] in ("match", "include", "outcome")
        assert one["meta"]["versionId"]
        assert one["meta"]["lastUpdated"]


@pytest.mark.parametrize("query", ["_count=0", "_summary=count", "_count=0&gender=male"])
async def test_counting_alone(fhir: httpx2.AsyncClient, query: str) -> None:
    bundle = await searchset(fhir, f"Patient?{query}")
    assert bundle["total"] == (2 if "male" in query else 4)
    assert "entry" not in bundle
    for relation in ("next", "prev", "previous", "last"):
        assert link(bundle, relation) is None


@pytest.mark.parametrize("total", ["none", "estimate", "accurate"])
async def test_total(fhir: httpx2.AsyncClient, total: str) -> None:
    bundle = await searchset(fhir, f"Patient?_total={total}&_count=2")
    assert len(ids(bundle)) == 2
    if total == "accurate":
        assert bundle["total"] == 4


async def test_includes_are_not_counted(fhir: httpx2.AsyncClient) -> None:
    bundle = await searchset(
        fhir, "Observation?_id=o1,o3&_include=Observation:subject&_total=accurate&_count=2"
    )
    assert bundle["total"] == 2
    assert sorted(ids(bundle)) == ["o1", "o3"]
    assert sorted(ids(bundle, "include")) == ["a", "b"]


@pytest.mark.parametrize("value", ["-1", "x", "", "1.5"])
async def test_no_count_is_refused(fhir: httpx2.AsyncClient, value: str) -> None:
    refused(await fhir.get(f"/fhir/Patient?_count={value}"), 400)


@pytest.mark.parametrize(
    "query",
    [
        "_total=some",
        "_summary=most",
        "_include=Patient",
        "_include=",
        "_revinclude=Observation",
        "_include=Patient:nonsense",
        "_include=Nonsense:patient",
        "_revinclude=Patient:nonsense",
        "_include=Patient:organization:Nonsense",
        "_contained=perhaps",
        "_elements=",
    ],
)
async def test_bad_values_are_refused(fhir: httpx2.AsyncClient, query: str) -> None:
    refused(await fhir.get(address(f"Patient?{query}")), 400)


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("Observation?_id=o1&_include=Observation:subject", "a"),
        ("Observation?_id=o1&_include=Observation:patient", "a"),
        ("Observation?_id=o1&_include=Observation:subject:Patient", "a"),
        ("Observation?_id=o1&_include=Observation:subject:Group", ""),
        ("Observation?_id=o3&_include=Observation:subject&_include=Observation:performer", "b doc"),
        ("Observation?_id=o3&_include=Observation:*", "b doc o4"),
        ("Observation?_id=o3&_include=*", "b doc o4"),
        ("Observation?_id=o5&_include=Observation:subject", ""),
        ("Observation?_id=o3&_include=Observation:derived-from", "o4"),
        ("Observation?_id=o3&_include:iterate=Observation:derived-from", "o4 o5"),
        (
            "Observation?_id=o2&_include:iterate=Observation:has-member"
            "&_include:iterate=Observation:derived-from",
            "o3 o4 o5",
        ),
        ("Observation?_id=o1&_include=Observation:subject&_include=Patient:organization", "a"),
        (
            "Observation?_id=o1&_include=Observation:subject&_include:iterate=Patient:organization",
            "a ward",
        ),
        (
            "Observation?_id=o1&_include=Observation:subject&_include:iterate=Patient:organization"
            "&_include:iterate=Organization:partof",
            "a trust ward",
        ),
        (
            "Observation?_id=o1&_include:iterate=Observation:subject"
            "&_include:iterate=Patient:general-practitioner",
            "a doc",
        ),
        ("Patient?_id=b&_include=Patient:organization", ""),
        (
            "Patient?_id=a&_include=Patient:organization&_include=Patient:general-practitioner",
            "doc ward",
        ),
        ("Patient?_id=a&_revinclude=Observation:subject", "o1 o2"),
        ("Patient?_id=a&_revinclude=Observation:patient", "o1 o2"),
        ("Patient?_id=a&_revinclude=Observation:subject:Patient", "o1 o2"),
        (
            "Patient?_id=a&_revinclude=Observation:subject&_revinclude:iterate=Provenance:target",
            "o1 o2 p1",
        ),
        ("Patient?_id=a&_revinclude=Observation:*", "o1 o2"),
        ("Patient?_id=d&_revinclude=Observation:subject", ""),
        ("Observation?_id=o1&_revinclude=Provenance:target", "p1"),
        ("Observation?_id=o1&_include=Observation:subject&_revinclude=Provenance:target", "a p1"),
        ("Organization?_id=trust&_revinclude=Organization:partof", "ward"),
        (
            "Organization?_id=trust&_revinclude:iterate=Organization:partof"
            "&_revinclude:iterate=Patient:organization",
            "a ward",
        ),
    ],
)
async def test_include(fhir: httpx2.AsyncClient, query: str, wanted: str) -> None:
    bundle = await searchset(fhir, query)
    assert len(ids(bundle)) == 1
    assert " ".join(sorted(ids(bundle, "include"))) == wanted


async def test_each_resource_once(fhir: httpx2.AsyncClient) -> None:
    bundle = await searchset(fhir, "Observation?subject=Patient/a&_include=Observation:subject")
    assert sorted(ids(bundle)) == ["o1", "o2"]
    assert ids(bundle, "include") == ["a"]
    everything = await searchset(fhir, "Observation?_include=Observation:derived-from")
    urls = [entry["fullUrl"] for entry in everything["entry"]]
    assert len(urls) == len(set(urls))


async def test_each_page_has_its_own_includes(fhir: httpx2.AsyncClient) -> None:
    query = "Observation?subject=Patient/a&_include=Observation:subject&_count=1"
    first = await searchset(fhir, query)
    second = (await fhir.get(link(first, "next") or "")).json()
    assert ids(first, "include") == ids(second, "include") == ["a"]
    assert {*ids(first), *ids(second)} == {"o1", "o2"}


def subsetted(one: Json) -> bool:
    return any(tag.get("code") == "SUBSETTED" for tag in one["meta"].get("tag", []))


async def shown(fhir: httpx2.AsyncClient, query: str) -> Json:
    (one,) = entries(await searchset(fhir, query))
    return one


async def test_summary_true(fhir: httpx2.AsyncClient) -> None:
    one = await shown(fhir, "Patient?_id=a&_summary=true")
    assert {"id", "meta", "active", "identifier", "name", "gender", "birthDate"} <= set(one)
    assert not {"text", "contact", "generalPractitioner"} & set(one)
    assert subsetted(one)


async def test_summary_text(fhir: httpx2.AsyncClient) -> None:
    one = await shown(fhir, "Patient?_id=a&_summary=text")
    assert set(one) == {"resourceType", "id", "meta", "text"}
    assert subsetted(one)
    measured = await shown(fhir, "Observation?_id=o1&_summary=text")
    assert set(measured) == {"resourceType", "id", "meta", "status", "code"}


async def test_summary_data(fhir: httpx2.AsyncClient) -> None:
    one = await shown(fhir, "Patient?_id=a&_summary=data")
    assert "text" not in one
    assert {"contact", "name", "generalPractitioner"} <= set(one)
    assert subsetted(one)


async def test_summary_false(fhir: httpx2.AsyncClient) -> None:
    one = await shown(fhir, "Patient?_id=a&_summary=false")
    assert one == (await fhir.get("/fhir/Patient/a")).json()
    assert not subsetted(one)


async def test_elements(fhir: httpx2.AsyncClient) -> None:
    one = await shown(fhir, "Patient?_id=a&_elements=identifier,active")
    assert (
        {"identifier", "active"}
        <= set(one)
        <= {"resourceType", "id", "meta", "identifier", "active"}
    )
    assert subsetted(one)
    measured = await shown(fhir, "Observation?_id=o1&_elements=subject")
    assert {"status", "code", "subject"} <= set(measured), "mandatory elements are always there"
    assert "valueQuantity" not in measured


async def test_elements_do_not_touch_includes(fhir: httpx2.AsyncClient) -> None:
    bundle = await searchset(
        fhir, "Observation?_id=o1&_elements=status&_include=Observation:subject"
    )
    (included,) = entries(bundle, "include")
    assert "name" in included
    assert not subsetted(included)


async def test_a_part_stays_a_part_on_the_next_page(fhir: httpx2.AsyncClient) -> None:
    first = await searchset(fhir, "Patient?_count=1&_sort=_id&_summary=true")
    second = (await fhir.get(link(first, "next") or "")).json()
    assert subsetted(entries(second)[0])


async def test_summary_text_takes_no_includes(fhir: httpx2.AsyncClient) -> None:
    answer = await fhir.get("/fhir/Observation?_summary=text&_include=Observation:subject")
    if answer.status_code == 200:
        assert ids(answer.json(), "include") == []
    else:
        refused(answer, 400)


async def test_contained_false_is_the_default(fhir: httpx2.AsyncClient) -> None:
    await keep(
        fhir,
        [
            observation(
                "box",
                contained=[
                    {"resourceType": "Specimen", "id": "s", "accessionIdentifier": {"value": "X7"}}
                ],
                specimen=to("#s"),
            )
        ],
    )
    assert ids(await searchset(fhir, "Specimen?accession=X7")) == []
    answer = await fhir.get("/fhir/Specimen?accession=X7&_contained=true")
    if answer.status_code == 200:
        assert ids(answer.json()) == ["box"]
    else:
        refused(answer, 400)
