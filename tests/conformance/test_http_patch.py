"""patch: JSON Patch (RFC 6902) and FHIRPath Patch. https://hl7.org/fhir/R4/http.html#patch"""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from tests.conformance.asking import Json, ids, keep, refused, resource, searchset

JSON_PATCH = "application/json-patch+json"
FHIR = "application/fhir+json"
START: Json = {
    "active": True,
    "gender": "male",
    "name": [{"family": "Old", "given": ["A", "B"]}, {"text": "Second"}],
}


async def start(fhir: httpx2.AsyncClient, id: str) -> None:
    await keep(fhir, [resource("Patient", id, **START)])


async def change(
    fhir: httpx2.AsyncClient, path: str, body: Any, type: str = JSON_PATCH, **headers: str
) -> httpx2.Response:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return await fhir.patch(f"/fhir/{path}", json=body, headers={"Content-Type": type, **names})


JSON_PATCHES: list[tuple[list[Json], Json]] = [
    ([{"op": "replace", "path": "/active", "value": False}], {**START, "active": False}),
    (
        [{"op": "add", "path": "/birthDate", "value": "1980-01-01"}],
        {**START, "birthDate": "1980-01-01"},
    ),
    (
        [{"op": "remove", "path": "/gender"}],
        {key: value for key, value in START.items() if key != "gender"},
    ),
    ([{"op": "remove", "path": "/name/0"}], {**START, "name": [{"text": "Second"}]}),
    (
        [{"op": "add", "path": "/name/-", "value": {"text": "Third"}}],
        {**START, "name": [*START["name"], {"text": "Third"}]},
    ),
    (
        [{"op": "add", "path": "/name/0", "value": {"text": "First"}}],
        {**START, "name": [{"text": "First"}, *START["name"]]},
    ),
    (
        [{"op": "replace", "path": "/name/0/given/1", "value": "C"}],
        {**START, "name": [{"family": "Old", "given": ["A", "C"]}, {"text": "Second"}]},
    ),
    (
        [{"op": "move", "from": "/name/1", "path": "/name/0"}],
        {**START, "name": [{"text": "Second"}, START["name"][0]]},
    ),
    (
        [{"op": "copy", "from": "/name/0/family", "path": "/name/1/family"}],
        {**START, "name": [START["name"][0], {"text": "Second", "family": "Old"}]},
    ),
    (
        [
            {"op": "test", "path": "/gender", "value": "male"},
            {"op": "replace", "path": "/gender", "value": "female"},
        ],
        {**START, "gender": "female"},
    ),
]


@pytest.mark.parametrize(("operations", "wanted"), JSON_PATCHES)
async def test_json_patch(fhir: httpx2.AsyncClient, operations: list[Json], wanted: Json) -> None:
    await start(fhir, "json")
    before = (await fhir.get("/fhir/Patient/json")).json()
    answer = await change(fhir, "Patient/json", operations)
    assert answer.status_code == 200, answer.text
    one = (await fhir.get("/fhir/Patient/json")).json()
    assert answer.headers["etag"] == f'W/"{one["meta"]["versionId"]}"'
    assert one["meta"]["versionId"] != before["meta"]["versionId"]
    del one["meta"], one["id"], one["resourceType"]
    assert one == wanted


@pytest.mark.parametrize(
    "operations",
    [
        {},
        [{}],
        [{"op": "nonsense", "path": "/active"}],
        [{"op": "replace", "path": "/birthDate", "value": "1980"}],
        [{"op": "remove", "path": "/birthDate"}],
        [{"op": "replace", "path": "/name/9/family", "value": "x"}],
        [{"op": "test", "path": "/gender", "value": "female"}],
        [{"op": "replace", "path": "/active", "value": "maybe"}],
        [{"op": "add", "path": "/nonsense", "value": 1}],
        [{"op": "add", "path": "/active"}],
        [{"op": "replace", "path": "active", "value": True}],
        [{"op": "replace", "path": "/id", "value": "other"}],
        [{"op": "replace", "path": "/resourceType", "value": "Group"}],
        [
            {"op": "replace", "path": "/active", "value": False},
            {"op": "test", "path": "/gender", "value": "female"},
        ],
    ],
)
async def test_a_bad_json_patch_changes_nothing(fhir: httpx2.AsyncClient, operations: Any) -> None:
    await start(fhir, "bad")
    before = await fhir.get("/fhir/Patient/bad")
    refused(await change(fhir, "Patient/bad", operations), 400, 409, 422, 412)
    assert (await fhir.get("/fhir/Patient/bad")).json() == before.json()


def operation(type: str, path: str, **parts: Json) -> Json:
    given = [
        {"name": "type", "valueCode": type},
        {"name": "path", "valueString": path},
        *({"name": name, **value} for name, value in parts.items()),
    ]
    return {"name": "operation", "part": given}


def parameters(*operations: Json) -> Json:
    return {"resourceType": "Parameters", "parameter": list(operations)}


PATH_PATCHES: list[tuple[Json, Json]] = [
    (
        operation("replace", "Patient.gender", value={"valueCode": "female"}),
        {**START, "gender": "female"},
    ),
    (
        operation(
            "add", "Patient", name={"valueString": "birthDate"}, value={"valueDate": "1980-01-01"}
        ),
        {**START, "birthDate": "1980-01-01"},
    ),
    (
        operation("delete", "Patient.gender"),
        {key: value for key, value in START.items() if key != "gender"},
    ),
    (operation("delete", "Patient.name[0]"), {**START, "name": [{"text": "Second"}]}),
    (
        operation("delete", "Patient.name.where(text = 'Second')"),
        {**START, "name": [START["name"][0]]},
    ),
    (
        operation(
            "add",
            "Patient",
            name={"valueString": "name"},
            value={"valueHumanName": {"text": "Third"}},
        ),
        {**START, "name": [*START["name"], {"text": "Third"}]},
    ),
    (
        operation(
            "insert",
            "Patient.name",
            index={"valueInteger": 0},
            value={"valueHumanName": {"text": "First"}},
        ),
        {**START, "name": [{"text": "First"}, *START["name"]]},
    ),
    (
        operation(
            "move",
            "Patient.name",
            source={"valueInteger": 1},
            destination={"valueInteger": 0},
        ),
        {**START, "name": [{"text": "Second"}, START["name"][0]]},
    ),
    (
        operation("replace", "Patient.name[0].family", value={"valueString": "New"}),
        {**START, "name": [{"family": "New", "given": ["A", "B"]}, {"text": "Second"}]},
    ),
]


@pytest.mark.parametrize(("operation", "wanted"), PATH_PATCHES)
async def test_fhirpath_patch(fhir: httpx2.AsyncClient, operation: Json, wanted: Json) -> None:
    await start(fhir, "path")
    answer = await change(fhir, "Patient/path", parameters(operation), FHIR)
    assert answer.status_code == 200, answer.text
    one = (await fhir.get("/fhir/Patient/path")).json()
    del one["meta"], one["id"], one["resourceType"]
    assert one == wanted


@pytest.mark.parametrize(
    "body",
    [
        {"resourceType": "Patient", "id": "bad"},
        parameters(operation("nonsense", "Patient.gender")),
        parameters(operation("replace", "Patient.birthDate", value={"valueDate": "1980"})),
        parameters(operation("replace", "Patient.(", value={"valueDate": "1980"})),
        parameters(operation("replace", "Patient.gender")),
        parameters(operation("replace", "Patient.gender", value={"valueCode": "unheard-of"})),
        parameters(operation("delete", "Patient.name")),
    ],
)
async def test_a_bad_fhirpath_patch_changes_nothing(fhir: httpx2.AsyncClient, body: Json) -> None:
    await start(fhir, "bad")
    before = await fhir.get("/fhir/Patient/bad")
    refused(await change(fhir, "Patient/bad", body, FHIR), 400, 415, 422)
    assert (await fhir.get("/fhir/Patient/bad")).json() == before.json()


ACTIVE = [{"op": "replace", "path": "/active", "value": False}]


async def test_if_match(fhir: httpx2.AsyncClient) -> None:
    await keep(fhir, [resource("Patient", "locked", **START)])
    refused(await change(fhir, "Patient/locked", ACTIVE, If_Match='W/"99"'), 412, 409)
    tag = (await fhir.get("/fhir/Patient/locked")).headers["etag"]
    assert (await change(fhir, "Patient/locked", ACTIVE, If_Match=tag)).status_code == 200


async def test_what_is_not_there(fhir: httpx2.AsyncClient) -> None:
    refused(await change(fhir, "Patient/none", ACTIVE), 404)
    refused(await change(fhir, "Nonsense/none", ACTIVE), 404)
    await keep(fhir, [resource("Patient", "dead", **START)])
    await fhir.delete("/fhir/Patient/dead")
    refused(await change(fhir, "Patient/dead", ACTIVE), 404, 410)


@pytest.mark.parametrize("type", ["text/plain", "application/pdf"])
async def test_other_types_are_415(fhir: httpx2.AsyncClient, type: str) -> None:
    await start(fhir, "typed")
    refused(await change(fhir, "Patient/typed", ACTIVE, type), 415)


async def test_conditional_patch(fhir: httpx2.AsyncClient) -> None:
    number = [{"system": "urn:p", "value": "1"}]
    await keep(fhir, [resource("Patient", "c1", **START, identifier=number)])
    assert (await change(fhir, "Patient?identifier=urn:p|1", ACTIVE)).status_code == 200
    assert (await fhir.get("/fhir/Patient/c1")).json()["active"] is False
    refused(await change(fhir, "Patient?identifier=urn:p|none", ACTIVE), 404)
    await keep(fhir, [resource("Patient", "c2", **START, identifier=number)])
    refused(await change(fhir, "Patient?identifier=urn:p|1", ACTIVE), 412)
    refused(await change(fhir, "Patient?nonsense=1", ACTIVE), 400, 412)


async def test_searches_see_the_change(fhir: httpx2.AsyncClient) -> None:
    await start(fhir, "seen")
    value = [{"op": "replace", "path": "/name/0/family", "value": "Changed"}]
    await change(fhir, "Patient/seen", value)
    assert ids(await searchset(fhir, "Patient?family=changed")) == ["seen"]
    assert "seen" not in ids(await searchset(fhir, "Patient?family=old"))
