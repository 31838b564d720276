"""$validate of a type and an instance. https://hl7.org/fhir/R4/resource-operation-validate.html"""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from tests.conformance.asking import (
    LOINC,
    Json,
    coded,
    issues,
    keep,
    observation,
    refused,
    resource,
    to,
    ucum,
)

ERRORS = ("fatal", "error")
PATIENT = resource("Patient", "v", active=True, name=[{"family": "Valid"}], birthDate="1980-01-01")
VITALS = "http://hl7.org/fhir/StructureDefinition/vitalsigns"


async def validate(fhir: httpx2.AsyncClient, body: Json, path: str | None = None) -> list[Json]:
    """The issues of the answer, which is 200 whether the resource is valid or not."""
    where = path or f"{body['resourceType']}/$validate"
    answer = await fhir.post(f"/fhir/{where}", json=body)
    assert answer.status_code == 200, answer.text
    return issues(answer)


def errors(found: list[Json]) -> list[Json]:
    return [issue for issue in found if issue["severity"] in ERRORS]


def observed(**members: Any) -> Json:
    made = observation("v", **members)
    return {key: value for key, value in made.items() if value is not None}


def patient(**members: Any) -> Json:
    return {**PATIENT, **members}


VALID = [
    PATIENT,
    {"resourceType": "Patient"},
    patient(extension=[{"url": "http://acme.org/e", "valueString": "x"}]),
    patient(birthDate="1980"),
    patient(birthDate="1980-01"),
    patient(_birthDate={"extension": [{"url": "http://acme.org/e", "valueTime": "10:00:00"}]}),
    patient(contained=[resource("Organization", "o", name="O")], managingOrganization=to("#o")),
    patient(deceasedDateTime="2020-01-01T10:00:00+01:00"),
    patient(maritalStatus={"text": "complicated"}),
    patient(communication=[{"language": {"text": "Tyrolean"}}]),
    patient(telecom=[{"system": "phone", "value": "1"}]),
    patient(
        text={"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">x</div>'}
    ),
    observed(),
    observed(valueQuantity=ucum(1, "kg")),
    observed(effectivePeriod={"start": "2020", "end": "2021"}),
    observed(dataAbsentReason={"text": "unknown"}),
    resource("Bundle", "b", type="collection"),
    resource("ValueSet", "vs", status="draft", name="Good"),
    resource("Basic", "b", code={"text": "x"}),
    resource("Binary", "b", contentType="text/plain", data="YWJj"),
]


@pytest.mark.parametrize("body", VALID)
async def test_valid(fhir: httpx2.AsyncClient, body: Json) -> None:
    assert errors(await validate(fhir, body)) == []


STRUCTURE: list[tuple[Json, str]] = [
    (patient(nonsense=1), "Patient"),
    (patient(name={"family": "x"}), "Patient.name"),
    (patient(name=[]), "Patient.name"),
    (patient(name=[{}]), "Patient.name"),
    (patient(name=[{"nonsense": "x"}]), "Patient.name"),
    (patient(active=[True]), "Patient.active"),
    (patient(active=None), "Patient.active"),
    (patient(gender={"code": "male"}), "Patient.gender"),
    (patient(maritalStatus="M"), "Patient.maritalStatus"),
    (patient(deceasedBoolean=True, deceasedDateTime="2020"), "Patient"),
    (patient(deceasedString="yes"), "Patient"),
    (patient(contained=[{"resourceType": "Nonsense", "id": "x"}]), "Patient.contained"),
    (patient(_active="x"), "Patient"),
    (observed(valueNonsense=1), "Observation"),
    (observed(valueQuantity={"value": "5"}), "Observation.value"),
]
CARDINALITY: list[tuple[Json, str]] = [
    (observed(status=None), "Observation"),
    (observed(code=None), "Observation"),
    (patient(communication=[{"preferred": True}]), "Patient.communication"),
    (patient(link=[{"type": "seealso"}]), "Patient.link"),
    (observed(component=[{"valueString": "x"}]), "Observation.component"),
    (resource("Condition", "c"), "Condition"),
    (resource("Bundle", "b"), "Bundle"),
    (patient(extension=[{"valueString": "no url"}]), "Patient.extension"),
]
BINDINGS: list[tuple[Json, str]] = [
    (patient(gender="unheard-of"), "Patient.gender"),
    (patient(gender="Male"), "Patient.gender"),
    (observed(status="done"), "Observation.status"),
    (patient(telecom=[{"system": "pigeon", "value": "1"}]), "Patient.telecom"),
    (patient(name=[{"use": "stage", "family": "x"}]), "Patient.name"),
    (resource("Bundle", "b", type="heap"), "Bundle.type"),
    (
        resource(
            "Condition",
            "c",
            subject=to("Patient/p"),
            clinicalStatus=coded(
                "http://terminology.hl7.org/CodeSystem/condition-clinical", "sleeping"
            ),
        ),
        "Condition.clinicalStatus",
    ),
]
PRIMITIVES: list[tuple[Json, str]] = [
    (patient(active="true"), "Patient.active"),
    (patient(active=1), "Patient.active"),
    (patient(birthDate="1980-13-01"), "Patient.birthDate"),
    (patient(birthDate="1980-02-30"), "Patient.birthDate"),
    (patient(birthDate="01.02.1980"), "Patient.birthDate"),
    (patient(birthDate="1980-01-01T10:00:00Z"), "Patient.birthDate"),
    (patient(birthDate=19800101), "Patient.birthDate"),
    (patient(deceasedDateTime="2020-01-01T10:00"), "Patient.deceased"),
    (patient(deceasedDateTime="2020-01-01T10:00:00"), "Patient.deceased"),
    (patient(deceasedDateTime="2020-01-01T25:00:00Z"), "Patient.deceased"),
    (patient(multipleBirthInteger=1.5), "Patient.multipleBirth"),
    (patient(multipleBirthInteger="1"), "Patient.multipleBirth"),
    (patient(multipleBirthInteger=2147483648), "Patient.multipleBirth"),
    (patient(language="with  two blanks"), "Patient.language"),
    (patient(gender=" male"), "Patient.gender"),
    (patient(name=[{"family": ""}]), "Patient.name"),
    (patient(name=[{"given": [1]}]), "Patient.name"),
    (patient(id="under_score"), "Patient"),
    (patient(id="a" * 65), "Patient"),
    (patient(photo=[{"contentType": "image/png", "data": "no base64!"}]), "Patient.photo"),
    (patient(telecom=[{"system": "phone", "value": "1", "rank": 0}]), "Patient.telecom"),
    (patient(meta={"lastUpdated": "2020"}), "Patient.meta"),
    (observed(effectiveInstant="2020-01-01"), "Observation.effective"),
    (observed(valueTime="24:00:00"), "Observation.value"),
    (observed(valueTime="10:00"), "Observation.value"),
    (observed(valueInteger=1.0), "Observation.value"),
    (observed(valueBoolean="false"), "Observation.value"),
    (resource("ValueSet", "v", status="draft", url="has blank"), "ValueSet.url"),
]
INVARIANTS: list[tuple[Json, str]] = [
    (patient(contact=[{"gender": "male"}]), "pat-1"),
    (observed(valueQuantity=ucum(1, "kg"), dataAbsentReason={"text": "x"}), "obs-6"),
    (
        observed(valueString="x", component=[{"code": coded(LOINC, "8867-4"), "valueString": "x"}]),
        "obs-7",
    ),
    (patient(telecom=[{"value": "1"}]), "cpt-2"),
    (observed(effectivePeriod={"start": "2021", "end": "2020"}), "per-1"),
    (observed(valueQuantity={"value": 1, "code": "kg"}), "qty-3"),
    (observed(referenceRange=[{"appliesTo": [{"text": "x"}]}]), "obs-3"),
    (patient(extension=[{"url": "http://acme.org/e"}]), "ext-1"),
    (
        patient(
            extension=[
                {
                    "url": "http://acme.org/e",
                    "valueString": "x",
                    "extension": [{"url": "y", "valueString": "z"}],
                }
            ]
        ),
        "ext-1",
    ),
    (
        patient(contained=[resource("Organization", "lonely", name="O")]),
        "dom-3",
    ),
    (
        patient(
            contained=[resource("Organization", "o", name="O", meta={"versionId": "1"})],
            managingOrganization=to("#o"),
        ),
        "dom-4",
    ),
    (patient(managingOrganization=to("#missing")), "ref-1"),
    (
        resource(
            "Bundle",
            "b",
            type="collection",
            entry=[
                {"fullUrl": "urn:uuid:00000000-0000-4000-8000-000000000001", "resource": PATIENT},
                {"fullUrl": "urn:uuid:00000000-0000-4000-8000-000000000001", "resource": PATIENT},
            ],
        ),
        "bdl-7",
    ),
    (resource("Bundle", "b", type="collection", total=3), "bdl-1"),
    (
        resource("Bundle", "b", type="transaction", entry=[{"resource": PATIENT}]),
        "bdl-3",
    ),
    (resource("Organization", "o", active=True), "org-1"),
    (
        resource(
            "Condition",
            "c",
            subject=to("Patient/p"),
            abatementDateTime="2020",
            clinicalStatus=coded(
                "http://terminology.hl7.org/CodeSystem/condition-clinical", "active"
            ),
        ),
        "con-4",
    ),
    (
        patient(
            text={
                "status": "generated",
                "div": '<div xmlns="http://www.w3.org/1999/xhtml"><script>x</script></div>',
            }
        ),
        "txt-1",
    ),
    (
        patient(text={"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml"/>'}),
        "txt-2",
    ),
]


@pytest.mark.parametrize(("body", "place"), [*STRUCTURE, *CARDINALITY, *BINDINGS, *PRIMITIVES])
async def test_invalid(fhir: httpx2.AsyncClient, body: Json, place: str) -> None:
    found = errors(await validate(fhir, body))
    assert found, "nothing was found wrong"
    places = [one for issue in found for one in issue.get("expression", [])]
    assert any(one.startswith(place) for one in places), places
    for issue in found:
        assert issue.get("diagnostics") or issue.get("details")


@pytest.mark.parametrize(("body", "key"), INVARIANTS)
async def test_invariants(fhir: httpx2.AsyncClient, body: Json, key: str) -> None:
    found = errors(await validate(fhir, body))
    assert any(key in str(issue) for issue in found), found


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (observed(status=None), "required"),
        (patient(gender="unheard-of"), "code-invalid"),
        (patient(contact=[{"gender": "male"}]), "invariant"),
    ],
)
async def test_codes_of_issues(fhir: httpx2.AsyncClient, body: Json, code: str) -> None:
    assert code in [issue["code"] for issue in errors(await validate(fhir, body))]


async def test_every_problem_is_told(fhir: httpx2.AsyncClient) -> None:
    body = patient(gender="unheard-of", birthDate="x", nonsense=1)
    assert len(errors(await validate(fhir, body))) >= 3


def wrapped(body: Json | None, **parts: str) -> Json:
    given: list[Json] = [] if body is None else [{"name": "resource", "resource": body}]
    kinds = {"mode": "valueCode", "profile": "valueUri"}
    given += [{"name": name, kinds[name]: value} for name, value in parts.items()]
    return {"resourceType": "Parameters", "parameter": given}


async def test_in_parameters(fhir: httpx2.AsyncClient) -> None:
    assert errors(await validate(fhir, wrapped(PATIENT), "Patient/$validate")) == []
    assert errors(await validate(fhir, wrapped(patient(gender="x")), "Patient/$validate"))


async def test_at_system_level_the_resource_says_its_type(fhir: httpx2.AsyncClient) -> None:
    assert errors(await validate(fhir, wrapped(PATIENT), "$validate")) == []
    (issue,) = errors(await validate(fhir, wrapped(patient(gender="x")), "$validate"))
    assert issue["expression"] == ["Patient.gender"]
    assert errors(await validate(fhir, wrapped({"resourceType": "Nonsense"}), "$validate"))


async def test_the_place_in_a_choice_names_its_type(fhir: httpx2.AsyncClient) -> None:
    body = patient(multipleBirthInteger="1")
    (issue,) = errors(await validate(fhir, wrapped(body), "Patient/$validate"))
    assert issue["expression"] == ["Patient.multipleBirth.ofType(integer)"]


@pytest.mark.parametrize("mode", ["create", "update"])
async def test_modes(fhir: httpx2.AsyncClient, mode: str) -> None:
    await keep(fhir, [PATIENT])
    path = "Patient/v/$validate" if mode == "update" else "Patient/$validate"
    assert errors(await validate(fhir, wrapped(PATIENT, mode=mode), path)) == []


async def test_mode_delete(fhir: httpx2.AsyncClient) -> None:
    await keep(fhir, [PATIENT])
    assert errors(await validate(fhir, wrapped(None, mode="delete"), "Patient/v/$validate")) == []


async def test_of_an_instance(fhir: httpx2.AsyncClient) -> None:
    await keep(fhir, [PATIENT])
    answer = await fhir.get("/fhir/Patient/v/$validate")
    assert answer.status_code == 200
    assert errors(issues(answer)) == []
    assert errors(await validate(fhir, PATIENT, "Patient/v/$validate")) == []
    assert errors(await validate(fhir, patient(gender="x"), "Patient/v/$validate"))


async def test_of_nothing(fhir: httpx2.AsyncClient) -> None:
    refused(await fhir.get("/fhir/Patient/none/$validate"), 404)
    refused(await fhir.post("/fhir/Nonsense/$validate", json=PATIENT), 404)


async def test_of_another_type(fhir: httpx2.AsyncClient) -> None:
    """Of a type's address the resource is of that type."""
    answer = await fhir.post("/fhir/Observation/$validate", json=PATIENT)
    if answer.status_code == 200:
        assert errors(issues(answer))
    else:
        refused(answer, 400, 422)


@pytest.mark.parametrize("text", ["", "{", "[]", "null"])
async def test_what_is_no_resource(fhir: httpx2.AsyncClient, text: str) -> None:
    answer = await fhir.post(
        "/fhir/Patient/$validate", content=text, headers={"Content-Type": "application/fhir+json"}
    )
    if answer.status_code == 200:
        assert errors(issues(answer))
    else:
        refused(answer, 400, 422)


async def test_it_keeps_nothing(fhir: httpx2.AsyncClient) -> None:
    await validate(fhir, resource("Patient", "unkept"))
    refused(await fhir.get("/fhir/Patient/unkept"), 404)


GOOD_VITALS = observed(
    category=[coded("http://terminology.hl7.org/CodeSystem/observation-category", "vital-signs")],
    subject=to("Patient/p"),
    effectiveDateTime="2024-01-01",
    valueQuantity=ucum(70, "/min"),
)


@pytest.mark.parametrize("way", ["query", "parameters", "meta"])
async def test_against_a_profile(fhir: httpx2.AsyncClient, way: str) -> None:
    async def ask(body: Json) -> list[Json]:
        if way == "query":
            return await validate(fhir, body, f"Observation/$validate?profile={VITALS}")
        if way == "parameters":
            return await validate(fhir, wrapped(body, profile=VITALS), "Observation/$validate")
        return await validate(fhir, {**body, "meta": {"profile": [VITALS]}})

    assert errors(await ask(GOOD_VITALS)) == []
    for missing in ("category", "subject", "effectiveDateTime"):
        bad = {key: value for key, value in GOOD_VITALS.items() if key != missing}
        assert errors(await ask(bad)), missing


async def test_an_unknown_profile_is_told(fhir: httpx2.AsyncClient) -> None:
    """If the profile cannot be validated against, the outcome says so."""
    answer = await fhir.post(
        "/fhir/Patient/$validate?profile=http://acme.org/StructureDefinition/none", json=PATIENT
    )
    if answer.status_code == 200:
        told = issues(answer)
        assert any(issue["severity"] in (*ERRORS, "warning") for issue in told)
    else:
        refused(answer, 400, 404, 422)


async def test_as_xml(fhir: httpx2.AsyncClient) -> None:
    xml = '<Patient xmlns="http://hl7.org/fhir"><gender value="unheard-of"/></Patient>'
    answer = await fhir.post(
        "/fhir/Patient/$validate",
        content=xml,
        headers={"Content-Type": "application/fhir+xml", "Accept": "application/fhir+json"},
    )
    assert answer.status_code == 200
    assert errors(issues(answer))
