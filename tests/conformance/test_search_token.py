"""Parameters of type token. https://hl7.org/fhir/R4/search.html#token"""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
import pytest_asyncio

from tests.conformance.asking import (
    LOINC,
    SNOMED,
    V2_0203,
    Json,
    address,
    coded,
    coding,
    found,
    keep,
    refused,
    resource,
    to,
)

GENDER = "http://hl7.org/fhir/administrative-gender"
CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
LOCAL = "http://acme.org/codes"


def condition(id: str, **members: Any) -> Json:
    return resource("Condition", id, subject=to("Patient/p"), **members)


CONDITIONS = [
    condition("loinc", code=coded(LOINC, "1234-5", "Composite headache")),
    condition("local", code=coded(LOCAL, "1234-5")),
    condition("plain", code={"coding": [{"code": "1234-5"}]}),
    condition(
        "both",
        code={
            "coding": [coding(LOINC, "99-1"), coding(LOCAL, "h|1,2$3")],
            "text": "Tension headache, chronic",
        },
        clinicalStatus=coded(CLINICAL, "active"),
    ),
    condition("words", code={"text": "Ache in the head"}),
    condition(
        "resolved", clinicalStatus=coded(CLINICAL, "resolved"), code=coded(SNOMED, "22298006")
    ),
    condition("upper", code=coded(LOCAL, "AbC")),
    condition("codeless"),
]
MR = {"coding": [coding(V2_0203, "MR", "Medical record number")]}
SS = {"coding": [coding(V2_0203, "SS")], "text": "Social security"}
PATIENTS = [
    resource(
        "Patient",
        "ann",
        active=True,
        gender="female",
        identifier=[
            {"type": MR, "system": "http://acme.org/mrn", "value": "12345"},
            {"type": SS, "system": "http://ssa.gov", "value": "444-22-1111"},
        ],
        telecom=[
            {"system": "phone", "value": "+1 555 0100", "use": "home"},
            {"system": "email", "value": "ann@acme.org", "use": "work"},
        ],
        deceasedBoolean=False,
        communication=[{"language": {"coding": [{"system": "urn:ietf:bcp:47", "code": "de-AT"}]}}],
    ),
    resource(
        "Patient",
        "bob",
        active=False,
        gender="male",
        identifier=[{"system": "http://acme.org/other", "value": "12345"}],
        telecom=[{"system": "email", "value": "bob@acme.org", "use": "home"}],
        deceasedDateTime="2020-01-01",
    ),
    resource("Patient", "cho", gender="other", identifier=[{"value": "777"}]),
    resource("Patient", "dee"),
]
MINE = resource(
    "ValueSet",
    "mine",
    status="active",
    url="http://acme.org/ValueSet/mine",
    compose={
        "include": [
            {"system": LOINC, "concept": [{"code": "1234-5"}]},
            {"system": LOCAL, "concept": [{"code": "AbC"}]},
        ]
    },
)
TREE = resource(
    "CodeSystem",
    "tree",
    status="active",
    content="complete",
    url="http://acme.org/tree",
    hierarchyMeaning="is-a",
    concept=[
        {"code": "animal", "concept": [{"code": "dog", "concept": [{"code": "poodle"}]}]},
        {"code": "plant"},
    ],
)
BRANCHES = [
    condition(code, code=coded("http://acme.org/tree", code), recordedDate="2001")
    for code in ("animal", "dog", "poodle", "plant")
]


@pytest_asyncio.fixture(scope="module", loop_scope="session", autouse=True)
async def kept(fhir: httpx2.AsyncClient) -> None:
    await keep(fhir, [*CONDITIONS, *PATIENTS, MINE, TREE, *BRANCHES])


CODES = [
    ("code=1234-5", "local loinc plain"),
    (f"code={LOINC}|1234-5", "loinc"),
    (f"code={LOCAL}|1234-5", "local"),
    ("code=|1234-5", "plain"),
    (f"code={LOINC}|", "both loinc"),
    (f"code={LOINC}|99-1", "both"),
    ("code=http://nowhere.org|1234-5", ""),
    (f"code={LOCAL}|h\\|1\\,2\\$3", "both"),
    ("code=h\\|1\\,2\\$3", "both"),
    (f"code={LOINC}|1234-5,{SNOMED}|22298006", "loinc resolved"),
    (f"code={LOINC}|99-1&code={LOCAL}|h\\|1\\,2\\$3", "both"),
    ("code=99-1&code=1234-5", ""),
    ("code=AbC", "upper"),
    ("code=1234", ""),
    ("clinical-status=active", "both"),
    (f"clinical-status={CLINICAL}|resolved", "resolved"),
    ("clinical-status=active,resolved", "both resolved"),
    (f"clinical-status={CLINICAL}|", "both resolved"),
    ("code:missing=true", "codeless"),
    ("clinical-status:missing=false", "both resolved"),
    ("clinical-status:missing=true", "codeless local loinc plain upper words"),
    ("code:not=1234-5", "both codeless resolved upper words"),
    (f"code:not={LOINC}|1234-5", "both codeless local plain resolved upper words"),
    ("code:not=1234-5,AbC", "both codeless resolved words"),
    ("code:not=1234-5&code:not=AbC", "both codeless resolved words"),
    ("clinical-status:not=active", "codeless local loinc plain resolved upper words"),
    ("code:not=99-1&clinical-status=active", ""),
    ("code:text=composite head", "loinc"),
    ("code:text=TENSION", "both"),
    ("code:text=ache in", "words"),
    ("code:text=nothing such", ""),
    ("code:in=http://acme.org/ValueSet/mine", "loinc upper"),
    ("code:in=ValueSet/mine", "loinc upper"),
    ("code:in=http://test/fhir/ValueSet/mine", "loinc upper"),
    ("code:not-in=http://acme.org/ValueSet/mine", "both codeless local plain resolved words"),
]


@pytest.mark.parametrize(("query", "wanted"), CODES)
async def test_codes(fhir: httpx2.AsyncClient, query: str, wanted: str) -> None:
    """The conditions of the tree, the only ones with a date, are left aside."""
    assert await found(fhir, f"Condition?{query}&recorded-date:missing=true") == wanted


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("code:below=http://acme.org/tree|animal", "animal dog poodle"),
        ("code:below=http://acme.org/tree|dog", "dog poodle"),
        ("code:below=http://acme.org/tree|poodle", "poodle"),
        ("code:above=http://acme.org/tree|poodle", "animal dog poodle"),
        ("code:above=http://acme.org/tree|animal", "animal"),
        ("code:below=http://acme.org/tree|plant,http://acme.org/tree|dog", "dog plant poodle"),
    ],
)
async def test_hierarchy(fhir: httpx2.AsyncClient, query: str, wanted: str) -> None:
    assert await found(fhir, f"Condition?{query}") == wanted


PERSONS = [
    ("gender=female", "ann"),
    (f"gender={GENDER}|female", "ann"),
    (f"gender={GENDER}|", "ann bob cho"),
    ("gender=http://nowhere.org|female", ""),
    ("gender=female,male", "ann bob"),
    ("gender:not=female", "bob cho dee"),
    ("gender:not=female,male", "cho dee"),
    ("gender:missing=true", "dee"),
    ("gender:missing=false&gender:not=female", "bob cho"),
    ("active=true", "ann"),
    ("active=false", "bob"),
    ("active=true,false", "ann bob"),
    ("active:not=true", "bob cho dee"),
    ("active:missing=true", "cho dee"),
    ("identifier=12345", "ann bob"),
    ("identifier=http://acme.org/mrn|12345", "ann"),
    ("identifier=http://acme.org/mrn|", "ann"),
    ("identifier=|12345", ""),
    ("identifier=|777", "cho"),
    ("identifier=777", "cho"),
    ("identifier=http://acme.org/mrn|777", ""),
    ("identifier=http://acme.org/mrn|12345,777", "ann cho"),
    ("identifier=12345&identifier=444-22-1111", "ann"),
    ("identifier:not=12345", "cho dee"),
    ("identifier:missing=true", "dee"),
    (f"identifier:of-type={V2_0203}|MR|12345", "ann"),
    (f"identifier:of-type={V2_0203}|SS|444-22-1111", "ann"),
    (f"identifier:of-type={V2_0203}|MR|444-22-1111", ""),
    (f"identifier:of-type={V2_0203}|SS|12345", ""),
    (f"identifier:of-type={V2_0203}|MR|99,{V2_0203}|MR|12345", "ann"),
    ("identifier:text=social", "ann"),
    ("telecom=ann@acme.org", "ann"),
    ("email=bob@acme.org", "bob"),
    ("email=ann@acme.org,bob@acme.org", "ann bob"),
    ("phone=ann@acme.org", ""),
    ("phone=+1 555 0100", "ann"),
    ("language=de-AT", "ann"),
    ("language=urn:ietf:bcp:47|de-AT", "ann"),
    ("deceased=true", "bob"),
    ("deceased=false", "ann cho dee"),
    ("_id=ann", "ann"),
    ("_id=ann,bob", "ann bob"),
    ("_id=ann&_id=bob", ""),
    ("_id=nobody", ""),
]


@pytest.mark.parametrize(("query", "wanted"), PERSONS)
async def test_persons(fhir: httpx2.AsyncClient, query: str, wanted: str) -> None:
    assert await found(fhir, f"Patient?{query}") == wanted


@pytest.mark.parametrize("modifier", ["exact", "contains", "identifier", "Patient", "nonsense"])
async def test_other_modifiers_are_refused(fhir: httpx2.AsyncClient, modifier: str) -> None:
    refused(await fhir.get(f"/fhir/Patient?gender:{modifier}=female"), 400)


@pytest.mark.parametrize(
    "query",
    [
        "Patient?gender=",
        "Patient?identifier:of-type=MR|12345",
        "Patient?identifier:of-type=12345",
        "Patient?gender:missing=perhaps",
    ],
)
async def test_bad_values_are_refused(fhir: httpx2.AsyncClient, query: str) -> None:
    refused(await fhir.get(address(query)), 400)


@pytest.mark.parametrize("modifier", ["in", "not-in"])
async def test_an_unknown_value_set(fhir: httpx2.AsyncClient, modifier: str) -> None:
    answer = await fhir.get(f"/fhir/Condition?code:{modifier}=http://acme.org/ValueSet/none")
    refused(answer, 400, 404, 422)
