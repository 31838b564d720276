"""What a search refuses, handling=lenient and POST _search. https://hl7.org/fhir/R4/search.html"""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
import pytest_asyncio

from tests.conformance.asking import address, ids, keep, link, observation, refused, resource, to

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest_asyncio.fixture(scope="module", loop_scope="session", autouse=True)
async def kept(fhir: httpx2.AsyncClient) -> None:
    await keep(
        fhir,
        [
            resource("Patient", "ann", gender="female", name=[{"family": "Ünal"}]),
            resource("Patient", "bob", gender="male"),
            observation("o", subject=to("Patient/ann")),
        ],
    )


UNKNOWN = [
    "Patient?nonsense=1",
    "Patient?Gender=male",
    "Patient?gender=male&nonsense=1",
    "Patient?status=final",
    "Patient?_nonsense=1",
    "Patient?gender:nonsense=male",
    "Patient?=male",
    "Observation?_has:Nonsense:patient:code=1",
]


@pytest.mark.parametrize("query", UNKNOWN)
async def test_unknown_parameters_are_refused(fhir: httpx2.AsyncClient, query: str) -> None:
    refused(await fhir.get(address(query)), 400)


@pytest.mark.parametrize("query", UNKNOWN[:4])
async def test_strict_refuses(fhir: httpx2.AsyncClient, query: str) -> None:
    refused(await fhir.get(address(query), headers={"Prefer": "handling=strict"}), 400)


@pytest.mark.parametrize("query", ["nonsense=1", "gender=male&nonsense=1&_foo=2"])
async def test_lenient_leaves_them_out_of_the_self_link(
    fhir: httpx2.AsyncClient, query: str
) -> None:
    answer = await fhir.get(f"/fhir/Patient?{query}", headers={"Prefer": "handling=lenient"})
    assert answer.status_code == 200
    body = answer.json()
    assert sorted(ids(body)) == (["bob"] if "gender" in query else ["ann", "bob"])
    used = parse_qs(urlsplit(link(body, "self") or "").query)
    assert "nonsense" not in used
    assert "_foo" not in used
    assert ("gender" in used) == ("gender" in query)


async def test_a_known_parameter_with_a_bad_modifier_is_refused_leniently_too(
    fhir: httpx2.AsyncClient,
) -> None:
    """3.1.1.4.4: servers SHALL reject a modifier that they do not support."""
    answer = await fhir.get(
        "/fhir/Patient?gender:nonsense=male", headers={"Prefer": "handling=lenient"}
    )
    refused(answer, 400)


@pytest.mark.parametrize("type", ["Nonsense", "patient", "Patients", "DomainResource", "Resource"])
async def test_no_such_type(fhir: httpx2.AsyncClient, type: str) -> None:
    refused(await fhir.get(f"/fhir/{type}"), 404)
    refused(await fhir.get(f"/fhir/{type}?_id=1"), 404)


@pytest.mark.parametrize(
    "query",
    [
        "Patient?birthdate=1980-99",
        "Patient?_lastUpdated=x",
        "Patient?active:missing=maybe",
        "Observation?value-quantity=a|b|c",
        "Patient?_count=x",
        "Patient?_sort=nonsense",
        "Patient?_include=nonsense",
    ],
)
async def test_bad_values_are_refused(fhir: httpx2.AsyncClient, query: str) -> None:
    refused(await fhir.get(address(query)), 400)


async def test_a_diagnosis_names_the_parameter(fhir: httpx2.AsyncClient) -> None:
    found = refused(await fhir.get("/fhir/Patient?nonsense=1"), 400)
    told = " ".join(issue.get("diagnostics", "") for issue in found)
    assert "nonsense" in told


async def test_nothing_found_is_an_empty_bundle(fhir: httpx2.AsyncClient) -> None:
    answer = await fhir.get("/fhir/Patient?_id=none")
    assert answer.status_code == 200
    body = answer.json()
    assert body["type"] == "searchset"
    assert body.get("total", 0) == 0
    assert "entry" not in body, "an array is never empty in FHIR JSON"


@pytest.mark.parametrize(
    ("path", "form", "wanted"),
    [
        ("Patient/_search", {"gender": "male"}, ["bob"]),
        ("Patient/_search", {"family": "Ünal"}, ["ann"]),
        ("Patient/_search", {"_id": "ann,bob"}, ["ann", "bob"]),
        ("Patient/_search?gender=male", {}, ["bob"]),
        ("Patient/_search?gender=male", {"_id": "bob"}, ["bob"]),
        ("Patient/_search?gender=male", {"_id": "ann"}, []),
        ("Observation/_search", {"patient.gender": "female"}, ["o"]),
        ("_search", {"_type": "Patient", "_id": "ann"}, ["ann"]),
        ("_search?_type=Patient,Observation", {"_id": "o"}, ["o"]),
    ],
)
async def test_post_search(
    fhir: httpx2.AsyncClient, path: str, form: dict[str, str], wanted: list[str]
) -> None:
    answer = await fhir.post(f"/fhir/{path}", data=form, headers=FORM)
    assert answer.status_code == 200, answer.text
    assert answer.json()["type"] == "searchset"
    assert sorted(ids(answer.json())) == wanted


async def test_post_search_pages(fhir: httpx2.AsyncClient) -> None:
    answer = await fhir.post("/fhir/Patient/_search", data={"_count": "1", "_sort": "_id"})
    assert ids(answer.json()) == ["ann"]
    onward = await fhir.get(link(answer.json(), "next") or "")
    assert ids(onward.json()) == ["bob"]


async def test_post_search_includes(fhir: httpx2.AsyncClient) -> None:
    form = {"_id": "o", "_include": "Observation:subject"}
    answer = await fhir.post("/fhir/Observation/_search", data=form)
    assert ids(answer.json(), "include") == ["ann"]


async def test_post_search_errors(fhir: httpx2.AsyncClient) -> None:
    refused(await fhir.post("/fhir/Patient/_search", data={"nonsense": "1"}), 400)
    refused(await fhir.post("/fhir/Nonsense/_search", data={"_id": "1"}), 404)
    refused(await fhir.post("/fhir/Patient/_search", json={"gender": "male"}), 415, 400)


@pytest.mark.parametrize(
    ("value", "status"), [("a\\,b", 200), ("a\\\\b", 200), ("a\\|b", 200), ("a\\$b", 200)]
)
async def test_escapes(fhir: httpx2.AsyncClient, value: str, status: int) -> None:
    assert (await fhir.get(address(f"Patient?identifier={value}"))).status_code == status


async def test_a_backslash_alone_is_illegal(fhir: httpx2.AsyncClient) -> None:
    """3.1.1.4.19: the parameter value xx\\xx is illegal."""
    refused(await fhir.get(address("Patient?identifier=xx\\xx")), 400)


async def test_head_has_no_body(fhir: httpx2.AsyncClient) -> None:
    answer = await fhir.head("/fhir/Patient?gender=male")
    assert answer.status_code == 200
    assert answer.content == b""
