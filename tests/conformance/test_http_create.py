"""create and conditional create. https://hl7.org/fhir/R4/http.html#create"""

from __future__ import annotations

import re

import httpx2
import pytest

from tests.conformance.asking import Json, ids, refused, searchset

PATIENT: Json = {"resourceType": "Patient", "active": True, "name": [{"family": "Create"}]}
JSON = {"Content-Type": "application/fhir+json"}


async def create(fhir: httpx2.AsyncClient, body: Json, **headers: str) -> httpx2.Response:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return await fhir.post(f"/fhir/{body['resourceType']}", json=body, headers=names)


async def test_answers_201_with_location_etag_and_last_modified(fhir: httpx2.AsyncClient) -> None:
    answer = await create(fhir, PATIENT)
    assert answer.status_code == 201
    one = answer.json()
    assert re.fullmatch(r"[A-Za-z0-9\-.]{1,64}", one["id"])
    assert one["meta"]["versionId"]
    assert one["meta"]["lastUpdated"]
    assert one["name"] == PATIENT["name"]
    location = f"http://test/fhir/Patient/{one['id']}/_history/{one['meta']['versionId']}"
    assert answer.headers["location"] == location
    assert answer.headers["etag"] == f'W/"{one["meta"]["versionId"]}"'
    assert answer.headers["last-modified"].endswith(" GMT")
    assert (await fhir.get(location)).json() == one
    assert (await fhir.get(f"/fhir/Patient/{one['id']}")).json() == one


async def test_the_id_given_is_ignored(fhir: httpx2.AsyncClient) -> None:
    answer = await create(fhir, {**PATIENT, "id": "mine"})
    assert answer.status_code == 201
    assert answer.json()["id"] != "mine"
    assert (await fhir.get("/fhir/Patient/mine")).status_code == 404


async def test_version_and_time_given_are_ignored(fhir: httpx2.AsyncClient) -> None:
    meta = {"versionId": "77", "lastUpdated": "2001-01-01T00:00:00Z", "tag": [{"code": "kept"}]}
    one = (await create(fhir, {**PATIENT, "meta": meta})).json()
    assert one["meta"]["versionId"] != "77"
    assert not one["meta"]["lastUpdated"].startswith("2001")
    assert one["meta"]["tag"] == [{"code": "kept"}]


async def test_two_creates_make_two(fhir: httpx2.AsyncClient) -> None:
    first, second = await create(fhir, PATIENT), await create(fhir, PATIENT)
    assert first.json()["id"] != second.json()["id"]


async def test_created_resources_are_found_at_once(fhir: httpx2.AsyncClient) -> None:
    one = (await create(fhir, {**PATIENT, "name": [{"family": "Atonce"}]})).json()
    assert ids(await searchset(fhir, "Patient?family=atonce")) == [one["id"]]


@pytest.mark.parametrize(
    "body",
    [
        {"resourceType": "Observation", "status": "final", "code": {"text": "x"}},
        {"resourceType": "Condition", "subject": {"reference": "Patient/p"}},
        {"resourceType": "Organization", "name": "O"},
        {"resourceType": "Practitioner"},
        {"resourceType": "Basic", "code": {"text": "x"}},
        {"resourceType": "Parameters", "parameter": [{"name": "a", "valueString": "b"}]},
        {"resourceType": "Bundle", "type": "collection"},
        {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "invalid"}]},
        {"resourceType": "Binary", "contentType": "text/plain", "data": "YQ=="},
        {"resourceType": "ValueSet", "status": "draft"},
    ],
)
async def test_other_types(fhir: httpx2.AsyncClient, body: Json) -> None:
    answer = await create(fhir, body)
    assert answer.status_code == 201, answer.text
    read = await fhir.get(
        f"/fhir/{body['resourceType']}/{answer.json()['id']}",
        headers={"Accept": "application/fhir+json"},
    )
    assert {**read.json(), "meta": None, "id": None} == {**body, "meta": None, "id": None}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "null",
        "[]",
        '"Patient"',
        "<Patient/>",
        "{}",
        '{"active":true}',
        '{"resourceType":"Observation","status":"final","code":{"text":"x"}}',
        '{"resourceType":"Nonsense"}',
        '{"resourceType":5}',
    ],
)
async def test_what_is_no_patient_is_refused(fhir: httpx2.AsyncClient, text: str) -> None:
    refused(await fhir.post("/fhir/Patient", content=text, headers=JSON), 400, 422)


@pytest.mark.parametrize(
    "member",
    [
        {"nonsense": 1},
        {"active": "yes"},
        {"active": [True]},
        {"name": {"family": "x"}},
        {"gender": "unheard-of"},
        {"birthDate": "yesterday"},
        {"birthDate": "1980-02-30"},
        {"deceasedBoolean": True, "deceasedDateTime": "2020"},
        {"name": []},
        {"name": [{}]},
        {"name": None},
        {"name": [{"family": ""}]},
        {"contact": [{"relationship": [{"coding": [{"code": "with  blanks "}]}]}]},
        {"identifier": [{"system": "has blank"}]},
    ],
)
async def test_what_breaks_the_definition_is_refused(
    fhir: httpx2.AsyncClient, member: Json
) -> None:
    refused(await create(fhir, {**PATIENT, **member}), 400, 422)


async def test_mandatory_elements(fhir: httpx2.AsyncClient) -> None:
    refused(await create(fhir, {"resourceType": "Observation", "status": "final"}), 400, 422)


async def test_no_such_type(fhir: httpx2.AsyncClient) -> None:
    refused(await fhir.post("/fhir/Nonsense", json={"resourceType": "Nonsense"}), 404)


async def test_post_to_an_instance_is_not_allowed(fhir: httpx2.AsyncClient) -> None:
    one = (await create(fhir, PATIENT)).json()
    refused(await fhir.post(f"/fhir/Patient/{one['id']}", json=one), 405, 404, 400)


@pytest.mark.parametrize("type", ["text/plain", "application/pdf", "image/png"])
async def test_other_content_types_are_415(fhir: httpx2.AsyncClient, type: str) -> None:
    answer = await fhir.post("/fhir/Patient", content=b"x", headers={"Content-Type": type})
    refused(answer, 415)


@pytest.mark.parametrize(
    "type",
    [
        "application/fhir+json",
        "application/json",
        "application/fhir+json; charset=utf-8",
        "application/fhir+json; charset=UTF-8; fhirVersion=4.0",
        "text/json",
    ],
)
async def test_json_content_types(fhir: httpx2.AsyncClient, type: str) -> None:
    answer = await fhir.post(
        "/fhir/Patient", content=b'{"resourceType":"Patient"}', headers={"Content-Type": type}
    )
    assert answer.status_code == 201, answer.text


async def test_all_of_it_comes_back(fhir: httpx2.AsyncClient) -> None:
    """Extensions, primitive extensions, contained resources, decimals and other scripts stay."""
    body: Json = {
        "resourceType": "Patient",
        "extension": [{"url": "http://acme.org/e", "valueDecimal": 1.50}],
        "contained": [{"resourceType": "Organization", "id": "o", "name": "Inner"}],
        "managingOrganization": {"reference": "#o"},
        "name": [
            {"family": "山田", "given": ["Zoë", "😀"], "_family": {"id": "f"}},
            {"given": [None, "B"], "_given": [{"extension": [
                {"url": "http://acme.org/why", "valueCode": "unknown"}]}, None]},
        ],
        "birthDate": "1980-01",
        "_birthDate": {"extension": [{"url": "http://acme.org/t", "valueTime": "10:00:00"}]},
        "multipleBirthInteger": 2,
    }  # fmt: skip
    one = (await create(fhir, body)).json()
    read = (await fhir.get(f"/fhir/Patient/{one['id']}")).json()
    assert {**read, "id": None, "meta": None} == {**body, "id": None, "meta": None}


async def test_conditional_create(fhir: httpx2.AsyncClient) -> None:
    body = {**PATIENT, "identifier": [{"system": "urn:c", "value": "1"}]}
    condition = "identifier=urn:c|1"
    made = await create(fhir, body, If_None_Exist=condition)
    assert made.status_code == 201
    again = await create(fhir, {**body, "active": False}, If_None_Exist=condition)
    assert again.status_code == 200
    assert made.json()["id"] in again.headers["location"]
    assert len(ids(await searchset(fhir, f"Patient?{condition}"))) == 1
    assert (await fhir.get(f"/fhir/Patient/{made.json()['id']}")).json()["active"] is True
    await create(fhir, body)
    refused(await create(fhir, body, If_None_Exist=condition), 412)
    assert len(ids(await searchset(fhir, f"Patient?{condition}"))) == 2


@pytest.mark.parametrize("condition", ["nonsense=1", "birthdate=yesterday"])
async def test_a_bad_condition_is_refused(fhir: httpx2.AsyncClient, condition: str) -> None:
    refused(await create(fhir, PATIENT, If_None_Exist=condition), 400, 412)


@pytest.mark.parametrize(
    ("preference", "kind"),
    [
        ("return=minimal", None),
        ("return=representation", "Patient"),
        ("return=OperationOutcome", "OperationOutcome"),
        ("", "Patient"),
    ],
)
async def test_prefer(fhir: httpx2.AsyncClient, preference: str, kind: str | None) -> None:
    answer = await create(fhir, PATIENT, Prefer=preference)
    assert answer.status_code == 201
    assert answer.headers["location"]
    assert answer.headers["etag"]
    if kind is None:
        assert answer.content == b""
    elif preference:
        assert answer.json()["resourceType"] == kind
