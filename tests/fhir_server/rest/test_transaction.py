"""Transactions and batches. https://hl7.org/fhir/R4/http.html#transaction"""

from __future__ import annotations

import base64
import json
from typing import Any

import httpx2
import pytest

from fhir_server.server import FhirServer

PATIENT_URN = "urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a"


def entry(method: str, url: str, resource: Any = None, full_url: str | None = None) -> Any:
    made: dict[str, Any] = {"request": {"method": method, "url": url}}
    if resource is not None:
        made["resource"] = resource
    if full_url is not None:
        made["fullUrl"] = full_url
    return made


def transaction(*entries: Any, type: str = "transaction") -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": type, "entry": list(entries)}


def patient(**more: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", **more}


def condition(subject: str) -> dict[str, Any]:
    return {"resourceType": "Condition", "subject": {"reference": subject}}


async def test_urn_references_become_real_ones(fhir: httpx2.AsyncClient) -> None:
    body = transaction(
        entry("POST", "Condition", condition(PATIENT_URN)),
        entry("POST", "Patient", patient(), PATIENT_URN),
    )
    answer = await fhir.post("/fhir", json=body)
    assert answer.status_code == 200, answer.text
    made = answer.json()
    assert made["type"] == "transaction-response"
    assert [one["response"]["status"] for one in made["entry"]] == ["201", "201"]
    stored = made["entry"][0]["resource"]
    assert stored["subject"]["reference"] == f"Patient/{made['entry'][1]['resource']['id']}"
    assert (await fhir.get(f"/fhir/{stored['subject']['reference']}")).status_code == 200


async def test_all_or_nothing(fhir: httpx2.AsyncClient) -> None:
    before = (await fhir.get("/fhir/Patient?_summary=count")).json()["total"]
    body = transaction(
        entry("POST", "Patient", patient()),
        entry("PUT", "Patient/p1", patient(id="p1", gender="zzz")),
    )
    answer = await fhir.post("/fhir", json=body)
    assert answer.status_code == 422
    issue = answer.json()["issue"][0]
    assert issue["expression"] == ["Bundle.entry[1].resource.Patient.gender"]
    assert (await fhir.get("/fhir/Patient?_summary=count")).json()["total"] == before


async def test_the_order_is_delete_post_put_get(fhir: httpx2.AsyncClient) -> None:
    await fhir.put("/fhir/Patient/a", json=patient(id="a"))
    body = transaction(
        entry("GET", "Patient/b"),
        entry("PUT", "Patient/b", patient(id="b", gender="male")),
        entry("DELETE", "Patient/a"),
    )
    made = (await fhir.post("/fhir", json=body)).json()["entry"]
    assert [one["response"]["status"] for one in made] == ["200", "201", "204"]
    assert made[0]["resource"]["gender"] == "male"


async def test_two_entries_on_one_resource_are_refused(fhir: httpx2.AsyncClient) -> None:
    body = transaction(entry("PUT", "Patient/a", patient(id="a")), entry("DELETE", "Patient/a"))
    answer = await fhir.post("/fhir", json=body)
    assert answer.status_code == 422


async def test_if_match_inside(fhir: httpx2.AsyncClient) -> None:
    await fhir.put("/fhir/Patient/a", json=patient(id="a"))
    stale = entry("PUT", "Patient/a", patient(id="a"))
    stale["request"]["ifMatch"] = 'W/"7"'
    assert (await fhir.post("/fhir", json=transaction(stale))).status_code == 412


async def test_a_batch_runs_each_entry_alone(fhir: httpx2.AsyncClient) -> None:
    body = transaction(
        entry("GET", "Patient/none"), entry("POST", "Patient", patient()), type="batch"
    )
    made = (await fhir.post("/fhir", json=body)).json()
    assert made["type"] == "batch-response"
    assert [one["response"]["status"] for one in made["entry"]] == ["404", "201"]
    outcome = made["entry"][0]["response"]["outcome"]
    assert outcome["resourceType"] == "OperationOutcome"


def numbered(value: str, **members: Any) -> dict[str, Any]:
    return {**patient(**members), "identifier": [{"system": "urn:n", "value": value}]}


async def test_conditional_entries_find_or_make_their_resource(fhir: httpx2.AsyncClient) -> None:
    await fhir.put("/fhir/Patient/old", json=numbered("1", id="old"))
    found = entry("POST", "Patient", numbered("1"))
    found["request"]["ifNoneExist"] = "identifier=urn:n|1"
    found["fullUrl"] = "urn:uuid:0b6c2a2e-5f0f-4b5e-8d3c-6a53a1f7a001"
    made = entry("PUT", "Patient?identifier=urn:n|2", numbered("2"))
    made["fullUrl"] = "urn:uuid:0b6c2a2e-5f0f-4b5e-8d3c-6a53a1f7a002"
    observations = [
        entry(
            "POST",
            "Observation",
            {
                "resourceType": "Observation",
                "status": "final",
                "code": {"text": "c"},
                "subject": {"reference": reference},
            },
        )
        for reference in (found["fullUrl"], made["fullUrl"], "Patient?identifier=urn:n|1")
    ]
    answer = await fhir.post("/fhir", json=transaction(found, made, *observations))
    assert answer.status_code == 200, answer.text
    entries = answer.json()["entry"]
    assert [one["response"]["status"] for one in entries] == ["200", "201", "201", "201", "201"]
    subjects = [one["resource"]["subject"]["reference"] for one in entries[2:]]
    assert subjects == ["Patient/old", f"Patient/{entries[1]['resource']['id']}", "Patient/old"]


async def test_two_conditional_entries_on_one_resource_are_refused(
    fhir: httpx2.AsyncClient,
) -> None:
    await fhir.put("/fhir/Patient/old", json=numbered("1", id="old"))
    twice = [entry("PUT", f"Patient?identifier={v}", numbered("1")) for v in ("1", "urn:n|1")]
    assert (await fhir.post("/fhir", json=transaction(*twice))).status_code == 422


async def test_a_conditional_reference_to_nothing_fails_all(fhir: httpx2.AsyncClient) -> None:
    body = patient(id="a")
    body["managingOrganization"] = {"reference": "Organization?identifier=none"}
    answer = await fhir.post("/fhir", json=transaction(entry("PUT", "Patient/a", body)))
    assert answer.status_code == 412
    assert (await fhir.get("/fhir/Patient/a")).status_code == 404


async def test_a_search_sees_what_the_transaction_wrote(fhir: httpx2.AsyncClient) -> None:
    body = transaction(
        entry("GET", "Patient?identifier=7"), entry("POST", "Patient", numbered("7"))
    )
    answer = await fhir.post("/fhir", json=body)
    assert answer.status_code == 200, answer.text
    found = answer.json()["entry"][0]["resource"]
    assert found["total"] == 1


async def test_patches_inside(fhir: httpx2.AsyncClient) -> None:
    await fhir.put("/fhir/Patient/a", json=patient(id="a"))
    change = {"op": "add", "path": "/active", "value": False}
    binary = {
        "resourceType": "Binary",
        "contentType": "application/json-patch+json",
        "data": base64.b64encode(json.dumps([change]).encode()).decode(),
    }
    answer = await fhir.post("/fhir", json=transaction(entry("PATCH", "Patient/a", binary)))
    assert answer.json()["entry"][0]["resource"]["active"] is False


async def test_too_many_entries(fhir: httpx2.AsyncClient) -> None:
    body = transaction(*[entry("GET", "Patient/a")] * 2001)
    answer = await fhir.post("/fhir", json=body)
    assert answer.status_code == 413
    assert "2000" in answer.json()["issue"][0]["diagnostics"]


@pytest.mark.parametrize("kind", ["batch", "transaction"])
async def test_operations_and_other_reads_inside(fhir: httpx2.AsyncClient, kind: str) -> None:
    patient = {"resourceType": "Patient", "id": "a", "gender": "male"}
    await fhir.put("/fhir/Patient/a", json=patient)
    tag = {"tag": [{"system": "urn:t", "code": "x"}]}
    meta = {"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": tag}]}
    addresses = [
        "Patient/$validate", "Patient/a/$meta-add", "Patient/a/$meta", "Patient/a/$everything",
        "Patient/_history", "?_type=Patient", "$versions",
    ]  # fmt: skip
    bodies = [patient, meta]
    entries = [
        {"request": {"method": "POST", "url": url}, "resource": body}
        for url, body in zip(addresses, bodies, strict=False)
    ]
    entries += [{"request": {"method": "GET", "url": url}} for url in addresses[2:]]
    answer = await fhir.post(
        "/fhir", json={"resourceType": "Bundle", "type": kind, "entry": entries}
    )
    assert answer.status_code == 200, answer.text
    found = answer.json()["entry"]
    assert [one["response"]["status"] for one in found] == ["200"] * 7, found
    types = [one["resource"]["resourceType"] for one in found]
    assert types == ["OperationOutcome", *["Parameters"] * 2, *["Bundle"] * 3, "Parameters"]
    assert found[2]["resource"]["parameter"][0]["valueMeta"]["tag"] == tag["tag"]


async def test_what_is_wrong_with_one_entry_of_a_batch_is_its_own(fhir: httpx2.AsyncClient) -> None:
    entries = [
        {"request": {"method": "GET", "url": "Nothing/1"}},
        {"request": {"method": "SHOUT", "url": "Patient/1"}},
        {"request": {"method": "POST", "url": "Patient"}},
        {"request": {"method": "GET", "url": "Patient/$nothing"}},
        {"request": {"method": "POST", "url": "Patient"}, "resource": {"resourceType": "Patient"}},
        {"request": {"method": "GET", "url": "http://test/fhir/Patient?_summary=count"}},
    ]
    answer = await fhir.post(
        "/fhir", json={"resourceType": "Bundle", "type": "batch", "entry": entries}
    )
    assert answer.status_code == 200
    statuses = [one["response"]["status"] for one in answer.json()["entry"]]
    assert statuses == ["404", "400", "400", "404", "201", "200"], answer.text


async def test_a_refused_transaction_is_recorded(
    fhir: httpx2.AsyncClient, server: FhirServer
) -> None:
    await fhir.put("/fhir/Patient/a", json={"resourceType": "Patient", "id": "a"})
    body = {"resourceType": "Patient", "id": "a", "gender": "nonsense"}
    entries = [{"request": {"method": "PUT", "url": "Patient/a"}, "resource": body}]
    answer = await fhir.post(
        "/fhir", json={"resourceType": "Bundle", "type": "transaction", "entry": entries}
    )
    assert answer.status_code == 422
    page = await server.server.store.search({"type": "AuditEvent"}, count=1)
    (event,) = [one.resource() for one in page.entries]
    assert (event["subtype"][0]["code"], event["outcome"]) == ("transaction", "4")
    assert event["entity"][0]["what"] == {"reference": "Patient/a"}
