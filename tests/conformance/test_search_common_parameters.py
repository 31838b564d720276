"""Parameters of all resources. https://hl7.org/fhir/R4/search.html#all"""

from __future__ import annotations

import httpx2
import pytest
import pytest_asyncio

from tests.conformance.asking import (
    LOINC,
    address,
    coded,
    found,
    ids,
    keep,
    observation,
    refused,
    resource,
    searchset,
    to,
)

TAGS = "http://acme.org/codes"
SECURITY = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
VITALS = "http://hl7.org/fhir/StructureDefinition/vitalsigns"


def narrative(text: str) -> dict[str, str]:
    return {
        "status": "generated",
        "div": f'<div xmlns="http://www.w3.org/1999/xhtml"><p>{text}</p></div>',
    }


DATA = [
    resource(
        "Patient",
        "tagged",
        meta={
            "tag": [{"system": TAGS, "code": "needs-review", "display": "Needs review"}],
            "security": [{"system": SECURITY, "code": "R"}],
            "source": "http://acme.org/app#part",
        },
        gender="female",
        name=[{"family": "Aardvark"}],
        text=narrative("Metastases in the liver"),
    ),
    resource(
        "Patient",
        "plain",
        gender="male",
        name=[{"family": "Bone"}],
        text=narrative("Metastases in the bone; <b>zebra</b>-like"),
    ),
    resource("Patient", "mute", gender="male", name=[{"family": "Liver"}]),
    resource("Practitioner", "tagged", meta={"tag": [{"code": "needs-review"}]}),
    observation(
        "heart",
        meta={
            "profile": [
                "http://hl7.org/fhir/StructureDefinition/Observation",
                "http://acme.org/sd/heart|2.0",
            ]
        },
        subject=to("Patient/tagged"),
        note=[{"text": "irregular rhythm"}],
    ),
    observation("weight", code=coded(LOINC, "29463-7"), subject=to("Patient/plain")),
    resource(
        "List",
        "chosen",
        status="current",
        mode="working",
        entry=[{"item": to("Patient/plain")}, {"item": to("Observation/heart")}],
    ),
    resource("List", "empty", status="current", mode="working"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="session", autouse=True)
async def kept(fhir: httpx2.AsyncClient) -> None:
    await keep(fhir, DATA)


FINDS = [
    ("Patient?_id=tagged", "tagged"),
    ("Patient?_id=tagged,plain", "plain tagged"),
    ("Patient?_id=none", ""),
    ("Patient?_id=tagged&gender=male", ""),
    (f"Patient?_tag={TAGS}|needs-review", "tagged"),
    ("Patient?_tag=needs-review", "tagged"),
    ("Patient?_tag=|needs-review", ""),
    ("Practitioner?_tag=|needs-review", "tagged"),
    (f"Patient?_tag={TAGS}|", "tagged"),
    ("Patient?_tag:not=needs-review", "mute plain"),
    ("Patient?_tag:missing=true", "mute plain"),
    ("Patient?_tag:text=needs", "tagged"),
    (f"Patient?_security={SECURITY}|R", "tagged"),
    ("Patient?_security=R", "tagged"),
    ("Patient?_security:not=R", "mute plain"),
    ("Patient?_source=http://acme.org/app#part", "tagged"),
    ("Patient?_source:below=http://acme.org", "tagged"),
    ("Patient?_source:missing=true", "mute plain"),
    ("Observation?_profile=http://hl7.org/fhir/StructureDefinition/Observation", "heart"),
    ("Observation?_profile=http://acme.org/sd/heart|2.0", "heart"),
    (f"Observation?_profile={VITALS}", ""),
    ("Observation?_profile:missing=true", "weight"),
    ("Patient?_lastUpdated=gt2020-01-01", "mute plain tagged"),
    ("Patient?_lastUpdated=lt2020-01-01", ""),
    ("Patient?_lastUpdated=ge2020&_lastUpdated=lt2021", ""),
    ("Patient?_text=zebra", "plain"),
    ("Patient?_text=metastases", "plain tagged"),
    ("Patient?_text=METASTASES", "plain tagged"),
    ("Patient?_text=(bone OR liver) AND metastases", "plain tagged"),
    ("Patient?_text=bone AND metastases", "plain"),
    ("Patient?_text=aardvark", ""),
    ("Patient?_text=xmlns", ""),
    ("Patient?_content=aardvark", "tagged"),
    ("Patient?_content=liver", "mute tagged"),
    ("Observation?_content=irregular", "heart"),
    ("Observation?_content=regular", ""),
    ("Patient?_list=chosen", "plain"),
    ("Observation?_list=chosen", "heart"),
    ("Patient?_list=chosen&gender=female", ""),
    ("Patient?_list=empty", ""),
    ("Patient?_has:Observation:patient:code=29463-7", "plain"),
    ("?_type=Patient&_tag=needs-review", "tagged"),
    ("?_type=Patient,Practitioner&_tag=needs-review", "tagged tagged"),
    ("?_tag=needs-review", "tagged tagged"),
    ("?_type=Patient,Observation&_id=heart,mute", "heart mute"),
    ("?_type=Observation&code=29463-7", "weight"),
    ("?_type=Patient,Practitioner&family=aard", "tagged"),
    ("?_id=weight", "weight"),
]


@pytest.mark.parametrize(("query", "wanted"), FINDS)
async def test_finds(fhir: httpx2.AsyncClient, query: str, wanted: str) -> None:
    path = address(query).replace("#", "%23")
    answer = await fhir.get(path)
    assert answer.status_code == 200, answer.text
    assert " ".join(sorted(ids(answer.json()))) == wanted


async def test_last_updated_is_meta_last_updated(fhir: httpx2.AsyncClient) -> None:
    moment = (await fhir.get("/fhir/Patient/mute")).json()["meta"]["lastUpdated"]
    ids = (await found(fhir, f"Patient?_lastUpdated={moment}")).split()
    assert "mute" in ids
    assert "mute" in (await found(fhir, f"Patient?_lastUpdated=ge{moment}")).split()
    assert "mute" in (await found(fhir, f"Patient?_lastUpdated=le{moment}")).split()
    assert "mute" not in (await found(fhir, f"Patient?_lastUpdated=sa{moment}")).split()
    assert "mute" not in (await found(fhir, f"Patient?_lastUpdated=eb{moment}")).split()
    assert "mute" in (await found(fhir, f"Patient?_lastUpdated={moment[:10]}")).split()


async def test_a_change_moves_last_updated(fhir: httpx2.AsyncClient) -> None:
    one = resource("Patient", "moving", active=True)
    await keep(fhir, [one])
    first = (await fhir.get("/fhir/Patient/moving")).json()["meta"]["lastUpdated"]
    await keep(fhir, [{**one, "active": False}])
    later = await found(fhir, f"Patient?_lastUpdated=gt{first}&_id=moving")
    assert later == "moving"
    await fhir.delete("/fhir/Patient/moving")
    assert await found(fhir, "Patient?_id=moving") == ""


async def test_of_the_system_every_entry_has_its_type(fhir: httpx2.AsyncClient) -> None:
    bundle = await searchset(fhir, "?_type=Patient,Observation,List&_count=50")
    kinds = {entry["resource"]["resourceType"] for entry in bundle["entry"]}
    assert kinds == {"Patient", "Observation", "List"}


async def test_compartments(fhir: httpx2.AsyncClient) -> None:
    assert await found(fhir, "Patient/tagged/Observation") == "heart"
    assert await found(fhir, "Patient/tagged/Observation?code=29463-7") == ""
    assert await found(fhir, "Patient/plain/Observation?code=29463-7") == "weight"


@pytest.mark.parametrize(
    "query",
    [
        "?_type=Nonsense",
        "?_type=Patient,Nonsense",
        "?family=x",
        "?_type=Patient,Observation&family=x",
        "Patient?_lastUpdated=now",
        "Patient?_id=",
        "Patient?_tag=",
        "Patient?_query=nonsense",
        "Patient?_list=",
        "Patient?_text=",
    ],
)
async def test_refused(fhir: httpx2.AsyncClient, query: str) -> None:
    refused(await fhir.get(address(query)), 400)
