"""Parameters of type reference. https://hl7.org/fhir/R4/search.html#reference"""

from __future__ import annotations

import httpx2
import pytest
import pytest_asyncio

from tests.conformance.asking import (
    address,
    found,
    keep,
    observation,
    refused,
    resource,
    searchset,
    to,
)

MRN = "http://acme.org/mrn"
LOGICAL = {"identifier": {"system": MRN, "value": "77"}, "display": "Someone elsewhere"}

DATA = [
    resource("Patient", "23", name=[{"family": "Smith"}]),
    resource("Patient", "twin"),
    resource("Group", "twin", type="person", actual=True),
    resource("Practitioner", "doc", identifier=[{"system": MRN, "value": "d1"}]),
    observation("relative", subject=to("Patient/23"), performer=[to("Practitioner/doc")]),
    observation("absolute", subject=to("http://test/fhir/Patient/23")),
    observation("versioned", subject=to("Patient/23/_history/1")),
    observation("foreign", subject=to("http://elsewhere.org/fhir/Patient/23")),
    observation("logical", subject=LOGICAL),
    observation("twin-p", subject=to("Patient/twin")),
    observation("twin-g", subject=to("Group/twin")),
    observation("urn", subject=to("urn:uuid:6fbfe26e-3f1b-4bd4-a7c7-2d6d0a4a4a10")),
    observation("nobody"),
    observation(
        "contained",
        contained=[{"resourceType": "Patient", "id": "p", "name": [{"family": "Inner"}]}],
        subject=to("#p"),
    ),
    resource("Location", "campus", name="Campus"),
    resource("Location", "house", name="House", partOf=to("Location/campus")),
    resource("Location", "room", name="Room", partOf=to("Location/house")),
    resource(
        "Procedure",
        "in-room",
        status="completed",
        subject=to("Patient/23"),
        location=to("Location/room"),
    ),
    resource(
        "Procedure",
        "on-campus",
        status="completed",
        subject=to("Patient/23"),
        location=to("Location/campus"),
    ),
    resource(
        "QuestionnaireResponse",
        "v1",
        status="completed",
        questionnaire="http://acme.org/Questionnaire/pain|1.0",
    ),
    resource(
        "QuestionnaireResponse",
        "v11",
        status="completed",
        questionnaire="http://acme.org/Questionnaire/pain|1.1",
    ),
    resource(
        "QuestionnaireResponse",
        "v2",
        status="completed",
        questionnaire="http://acme.org/Questionnaire/pain|2.0",
    ),
    resource(
        "QuestionnaireResponse",
        "none",
        status="completed",
        questionnaire="http://acme.org/Questionnaire/pain",
    ),
]


@pytest_asyncio.fixture(scope="module", loop_scope="session", autouse=True)
async def kept(fhir: httpx2.AsyncClient) -> None:
    await keep(fhir, DATA)


LITERAL = "absolute relative versioned"
FINDS = [
    ("Observation?subject=Patient/23", LITERAL),
    ("Observation?subject=http://test/fhir/Patient/23", LITERAL),
    ("Observation?subject:Patient=23", LITERAL),
    ("Observation?subject:Patient=Patient/23", LITERAL),
    ("Observation?subject:Group=23", ""),
    ("Observation?patient=23", LITERAL),
    ("Observation?patient=Patient/23", LITERAL),
    ("Observation?patient=http://test/fhir/Patient/23", LITERAL),
    ("Observation?subject=http://elsewhere.org/fhir/Patient/23", "foreign"),
    ("Observation?subject=Patient/twin", "twin-p"),
    ("Observation?subject=Group/twin", "twin-g"),
    ("Observation?subject:Patient=twin", "twin-p"),
    ("Observation?subject:Group=twin", "twin-g"),
    ("Observation?patient=twin", "twin-p"),
    ("Observation?subject=Patient/none", ""),
    ("Observation?subject=urn:uuid:6fbfe26e-3f1b-4bd4-a7c7-2d6d0a4a4a10", "urn"),
    ("Observation?subject=Patient/23,Group/twin", "absolute relative twin-g versioned"),
    ("Observation?subject=Patient/23&subject=Group/twin", ""),
    ("Observation?performer=Practitioner/doc", "relative"),
    ("Observation?performer=doc", "relative"),
    ("Observation?performer:Practitioner=doc&subject=Patient/23", "relative"),
    (f"Observation?subject:identifier={MRN}|77", "logical"),
    ("Observation?subject:identifier=77", "logical"),
    (f"Observation?subject:identifier={MRN}|", "logical"),
    ("Observation?subject:identifier=|77", ""),
    (f"Observation?subject:identifier={MRN}|78", ""),
    ("Observation?subject:missing=true", "nobody"),
    (
        "Observation?performer:missing=false",
        "relative",
    ),
    ("Location?partof=Location/campus", "house"),
    ("Location?partof:below=Location/campus", "house room"),
    ("Location?partof:above=Location/room", "house room"),
    ("Procedure?location=campus", "on-campus"),
    ("Procedure?location:below=campus", "in-room on-campus"),
    ("Procedure?location:below=Location/house", "in-room"),
    ("Procedure?location:above=Location/room", "in-room on-campus"),
    ("QuestionnaireResponse?questionnaire=http://acme.org/Questionnaire/pain|1.0", "v1"),
    ("QuestionnaireResponse?questionnaire=http://acme.org/Questionnaire/pain|1.1", "v11"),
    ("QuestionnaireResponse?questionnaire=http://acme.org/Questionnaire/other", ""),
    (
        "QuestionnaireResponse?questionnaire:below=http://acme.org/Questionnaire/pain",
        "none v1 v11 v2",
    ),
    ("QuestionnaireResponse?questionnaire:below=http://acme.org/Questionnaire/pain|1", "v1 v11"),
]


@pytest.mark.parametrize(("query", "wanted"), FINDS)
async def test_finds(fhir: httpx2.AsyncClient, query: str, wanted: str) -> None:
    assert await found(fhir, query) == wanted


async def test_an_id_alone_of_one_type(fhir: httpx2.AsyncClient) -> None:
    """A reference by the bare id finds the local references to it."""
    ids = (await found(fhir, "Observation?subject=23")).split()
    assert ids == LITERAL.split()


async def test_an_id_of_several_types_is_refused_or_finds_all(fhir: httpx2.AsyncClient) -> None:
    """Servers SHOULD reject an id that is the id of resources of different types."""
    answer = await fhir.get("/fhir/Observation?subject=twin")
    if answer.status_code == 200:
        ids = {entry["resource"]["id"] for entry in answer.json()["entry"]}
        assert ids == {"twin-p", "twin-g"}
    else:
        refused(answer, 400)


@pytest.mark.parametrize(
    "query",
    [
        "Observation?subject:exact=Patient/23",
        "Observation?subject:contains=Patient/23",
        "Observation?subject:Observation=23",
        "Observation?subject:Nonsense=23",
        "Observation?subject:not=Patient/23",
        "Observation?subject=",
        "Observation?subject:missing=x",
        "Observation?patient:Group=23",
    ],
)
async def test_refused(fhir: httpx2.AsyncClient, query: str) -> None:
    refused(await fhir.get(address(query)), 400)


async def test_a_reference_that_becomes_another(fhir: httpx2.AsyncClient) -> None:
    await keep(fhir, [observation("moving", subject=to("Patient/a1"))])
    assert await found(fhir, "Observation?subject=Patient/a1") == "moving"
    await keep(fhir, [observation("moving", subject=to("Patient/b1"))])
    assert await found(fhir, "Observation?subject=Patient/a1") == ""
    assert await found(fhir, "Observation?subject=Patient/b1") == "moving"


async def test_the_version_that_is_referred_to_is_included(fhir: httpx2.AsyncClient) -> None:
    """3.1.1.4.13: with _include the version that the reference names SHOULD be provided."""
    bundle = await searchset(fhir, "Observation?_id=versioned&_include=Observation:subject")
    modes = {entry["resource"]["id"]: entry["search"]["mode"] for entry in bundle["entry"]}
    assert modes == {"versioned": "match", "23": "include"}
