"""update and conditional update. https://hl7.org/fhir/R4/http.html#update"""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from tests.conformance.asking import Json, ids, keep, refused, resource, searchset


async def put(
    fhir: httpx2.AsyncClient, path: str, body: Json, headers: dict[str, str] | None = None
) -> httpx2.Response:
    return await fhir.put(f"/fhir/{path}", json=body, headers=headers)


def patient(id: str, **members: Any) -> Json:
    return resource("Patient", id, **members)


async def test_update(fhir: httpx2.AsyncClient) -> None:
    made = (await fhir.post("/fhir/Patient", json={"resourceType": "Patient"})).json()
    answer = await put(fhir, f"Patient/{made['id']}", {**made, "active": True})
    assert answer.status_code == 200
    one = answer.json()
    assert one["active"] is True
    assert one["id"] == made["id"]
    assert one["meta"]["versionId"] != made["meta"]["versionId"]
    assert one["meta"]["lastUpdated"] >= made["meta"]["lastUpdated"]
    assert answer.headers["etag"] == f'W/"{one["meta"]["versionId"]}"'
    assert answer.headers["last-modified"]
    assert (await fhir.get(f"/fhir/Patient/{made['id']}")).json() == one


async def test_update_replaces_the_whole(fhir: httpx2.AsyncClient) -> None:
    await keep(fhir, [patient("whole", active=True, gender="male", name=[{"family": "Gone"}])])
    await keep(fhir, [patient("whole", gender="female")])
    one = (await fhir.get("/fhir/Patient/whole")).json()
    assert "active" not in one
    assert "name" not in one
    assert ids(await searchset(fhir, "Patient?family=gone")) == []
    assert ids(await searchset(fhir, "Patient?gender=female&_id=whole")) == ["whole"]


async def test_update_as_create(fhir: httpx2.AsyncClient) -> None:
    answer = await put(fhir, "Patient/client-id.1", patient("client-id.1"))
    assert answer.status_code == 201
    assert answer.json()["id"] == "client-id.1"
    assert "/Patient/client-id.1/_history/" in answer.headers["location"]


async def test_version_and_time_given_are_ignored(fhir: httpx2.AsyncClient) -> None:
    await keep(fhir, [patient("vt")])
    meta = {"versionId": "77", "lastUpdated": "2001-01-01T00:00:00Z"}
    one = (await put(fhir, "Patient/vt", patient("vt", meta=meta, active=True))).json()
    assert one["meta"]["versionId"] != "77"
    assert not one["meta"]["lastUpdated"].startswith("2001")


@pytest.mark.parametrize(
    "body",
    [
        patient("other"),
        {"resourceType": "Patient"},
        {"resourceType": "Practitioner", "id": "same"},
        {"id": "same"},
        {},
        patient("same", nonsense=1),
        patient("same", active="yes"),
    ],
)
async def test_what_does_not_fit_is_refused(fhir: httpx2.AsyncClient, body: Json) -> None:
    refused(await put(fhir, "Patient/same", body), 400, 422)
    refused(await fhir.get("/fhir/Patient/same"), 404)


@pytest.mark.parametrize("id", ["under_score", "a" * 65, "with blank"])
async def test_what_is_no_id(fhir: httpx2.AsyncClient, id: str) -> None:
    refused(await put(fhir, f"Patient/{id}".replace(" ", "%20"), patient(id)), 400, 404, 422)


async def test_a_deleted_resource_comes_back(fhir: httpx2.AsyncClient) -> None:
    await keep(fhir, [patient("phoenix")])
    await fhir.delete("/fhir/Patient/phoenix")
    answer = await put(fhir, "Patient/phoenix", patient("phoenix", active=True))
    assert answer.status_code == 201
    assert (await fhir.get("/fhir/Patient/phoenix")).status_code == 200
    history = (await fhir.get("/fhir/Patient/phoenix/_history")).json()
    assert [entry["request"]["method"] for entry in history["entry"]] == ["PUT", "DELETE", "PUT"]


async def test_if_match(fhir: httpx2.AsyncClient) -> None:
    await keep(fhir, [patient("locked")])
    tag = (await fhir.get("/fhir/Patient/locked")).headers["etag"]
    changed = patient("locked", active=True)
    assert (await put(fhir, "Patient/locked", changed, {"If-Match": tag})).status_code == 200
    changed = patient("locked", active=False)
    refused(await put(fhir, "Patient/locked", changed, {"If-Match": tag}), 412, 409)
    assert (await fhir.get("/fhir/Patient/locked")).json()["active"] is True


async def test_if_match_of_what_is_not_there(fhir: httpx2.AsyncClient) -> None:
    answer = await put(fhir, "Patient/absent", patient("absent"), {"If-Match": 'W/"1"'})
    refused(answer, 412, 404, 409)
    refused(await fhir.get("/fhir/Patient/absent"), 404)


async def test_no_such_type(fhir: httpx2.AsyncClient) -> None:
    refused(await put(fhir, "Nonsense/1", resource("Nonsense", "1")), 404)


def known(value: str, **members: Any) -> Json:
    number = [{"system": "urn:u", "value": value}]
    return {"resourceType": "Patient", "identifier": number, **members}


async def test_conditional_update_without_a_match_creates(fhir: httpx2.AsyncClient) -> None:
    answer = await put(fhir, "Patient?identifier=urn:u|new", known("new"))
    assert answer.status_code == 201
    assert answer.headers["location"]
    assert ids(await searchset(fhir, "Patient?identifier=urn:u|new")) == [answer.json()["id"]]


async def test_conditional_update_without_a_match_but_with_an_id(
    fhir: httpx2.AsyncClient,
) -> None:
    body = known("with-id", id="chosen")
    answer = await put(fhir, "Patient?identifier=urn:u|with-id", body)
    assert answer.status_code == 201
    assert answer.json()["id"] == "chosen"


async def test_conditional_update_without_a_match_but_with_a_taken_id(
    fhir: httpx2.AsyncClient,
) -> None:
    await keep(fhir, [patient("taken", active=True)])
    refused(await put(fhir, "Patient?identifier=urn:u|t", known("t", id="taken")), 409)
    assert (await fhir.get("/fhir/Patient/taken")).json()["active"] is True


async def test_conditional_update_of_one_match(fhir: httpx2.AsyncClient) -> None:
    made = (await put(fhir, "Patient?identifier=urn:u|one", known("one"))).json()
    answer = await put(fhir, "Patient?identifier=urn:u|one", known("one", active=True))
    assert answer.status_code == 200
    assert answer.json()["id"] == made["id"]
    again = known("one", active=False, id=made["id"])
    assert (await put(fhir, "Patient?identifier=urn:u|one", again)).status_code == 200


async def test_conditional_update_of_one_match_with_another_id(fhir: httpx2.AsyncClient) -> None:
    await put(fhir, "Patient?identifier=urn:u|two", known("two"))
    refused(await put(fhir, "Patient?identifier=urn:u|two", known("two", id="wrong")), 400)


async def test_conditional_update_of_many_matches(fhir: httpx2.AsyncClient) -> None:
    await fhir.post("/fhir/Patient", json=known("many"))
    await fhir.post("/fhir/Patient", json=known("many"))
    refused(await put(fhir, "Patient?identifier=urn:u|many", known("many")), 412)


@pytest.mark.parametrize("query", ["nonsense=1", "birthdate=x", "identifier="])
async def test_a_bad_condition_is_refused(fhir: httpx2.AsyncClient, query: str) -> None:
    refused(await put(fhir, f"Patient?{query}", known("x")), 400, 412)


async def test_update_without_id_or_condition(fhir: httpx2.AsyncClient) -> None:
    refused(await put(fhir, "Patient", known("x")), 400, 404, 405, 412)
