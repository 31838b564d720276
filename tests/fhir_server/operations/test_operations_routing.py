"""Calling operations. https://hl7.org/fhir/R4/operations.html"""

from __future__ import annotations

import base64
import json
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.clock import random_id
from fhir_server.definitions.elements import resource_types
from fhir_server.errors import FhirError
from fhir_server.operations.parameters import OperationParameters, read_parameters
from fhir_server.operations.registry import operation_definitions, operations
from fhir_server.resource import dumps
from fhir_server.server import FhirServer


@pytest.mark.parametrize(
    ("address", "known"),
    [
        ("$nothing", "$versions"),
        ("Patient/$nothing", "$everything"),
        ("Observation/$nothing", "$lastn"),
        ("Patient/p1/$nothing", "$meta-add"),
        ("Basic/$everything", "$validate"),
        ("Encounter/$everything", "$validate"),
        ("Patient/$meta-add", "$meta"),
        ("$document", "$meta"),
        ("Patient/p1/_history/1/$validate", "$meta"),
    ],
)
async def test_unknown_operations_are_404_and_name_the_known(
    fhir: httpx2.AsyncClient, address: str, known: str
) -> None:
    for answer in (await fhir.get(f"/fhir/{address}"), await fhir.post(f"/fhir/{address}")):
        assert answer.status_code == 404, answer.text
        assert answer.json()["resourceType"] == "OperationOutcome"
        assert known in answer.json()["issue"][0]["diagnostics"]


async def test_an_unknown_type_is_404(fhir: httpx2.AsyncClient) -> None:
    assert (await fhir.get("/fhir/Nothing/$meta")).status_code == 404


async def test_methods(fhir: httpx2.AsyncClient) -> None:
    await fhir.put("/fhir/Patient/p1", json={"resourceType": "Patient", "id": "p1"})
    changing = await fhir.get("/fhir/Patient/p1/$meta-add")
    assert changing.status_code == 405
    assert changing.headers["allow"] == "POST"
    other = await fhir.put("/fhir/Patient/p1/$meta", json={})
    assert other.status_code == 405
    assert other.headers["allow"] == "GET, POST"


async def test_nobody_calls_without_a_token(anonymous: httpx2.AsyncClient) -> None:
    for address in ("$versions", "Patient/$everything", "Patient/p1/$meta"):
        assert (await anonymous.get(f"/fhir/{address}")).status_code == 401


async def test_versions(fhir: httpx2.AsyncClient) -> None:
    answer = await fhir.get("/fhir/$versions")
    assert answer.status_code == 200
    listed = {one["name"]: one["valueCode"] for one in answer.json()["parameter"]}
    assert listed == {"version": "4.0", "default": "4.0"}
    assert (await fhir.post("/fhir/$versions")).json() == answer.json()


async def test_a_query_an_empty_post_and_parameters_are_the_same(fhir: httpx2.AsyncClient) -> None:
    await fhir.put("/fhir/Patient/p1", json={"resourceType": "Patient", "id": "p1"})
    body = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "_type", "valueCode": "Patient"},
            {"name": "_count", "valueInteger": 5},
        ],
    }
    answers = [
        await fhir.get("/fhir/Patient/p1/$everything?_type=Patient&_count=5"),
        await fhir.post("/fhir/Patient/p1/$everything?_type=Patient&_count=5"),
        await fhir.post("/fhir/Patient/p1/$everything", json=body),
        await fhir.post(
            "/fhir/Patient/p1/$everything?_count=5",
            json=body | {"parameter": body["parameter"][:1]},
        ),  # type: ignore[index]
    ]
    assert [one.status_code for one in answers] == [200] * 4
    assert [len(one.json()["entry"]) for one in answers] == [1] * 4


@pytest.mark.parametrize(
    "parameter",
    [
        {"valueString": "nameless"},
        {"name": "a"},
        {"name": "a", "valueString": "x", "valueCode": "y"},
        {"name": 3, "valueString": "x"},
        "text",
        {"name": "\ud800", "valueString": "x"},
        {"name": "_type", "valueString": "\ud800"},
    ],
)
async def test_broken_parameters_are_400(fhir: httpx2.AsyncClient, parameter: Any) -> None:
    body = {"resourceType": "Parameters", "parameter": [parameter]}
    headers = {"Content-Type": "application/fhir+json"}
    content = json.dumps(body)  # escapes what UTF-8 cannot hold
    answer = await fhir.post("/fhir/Patient/p1/$everything", content=content, headers=headers)
    assert answer.status_code == 400, answer.text


async def test_unknown_parameters_are_refused_unless_lenient(fhir: httpx2.AsyncClient) -> None:
    await fhir.put("/fhir/Patient/p1", json={"resourceType": "Patient", "id": "p1"})
    address = "/fhir/Patient/p1/$everything?colour=red"
    refused = await fhir.get(address)
    assert refused.status_code == 400
    assert "_since" in refused.json()["issue"][0]["diagnostics"]
    assert (await fhir.get(address, headers={"Prefer": "handling=lenient"})).status_code == 200


async def test_every_call_is_recorded(fhir: httpx2.AsyncClient, server: FhirServer) -> None:
    await fhir.put("/fhir/Patient/p1", json={"resourceType": "Patient", "id": "p1"})
    await fhir.get("/fhir/Patient/p1/$everything?_count=3")
    await fhir.get("/fhir/Patient/gone/$everything")
    page = await server.server.store.search({"type": "AuditEvent"}, count=50)
    events = [one.resource() for one in page.entries]
    called = [one for one in events if one["subtype"][0]["code"] == "operation"]
    assert sorted(one["outcome"] for one in called) == ["0", "4"]
    event = next(one for one in called if one["outcome"] == "0")
    assert event["entity"][0]["what"] == {"reference": "Patient/p1"}
    query = next(one["query"] for one in event["entity"] if "query" in one)
    assert base64.b64decode(query).decode() == "Patient/p1/$everything?_count=3"


def test_definitions_are_listed_by_level_and_type() -> None:
    table = operations(random_id)
    system = {one["name"] for one in operation_definitions(table)}
    assert system == {"validate", "meta", "versions", "reindex", "reindex-progress"}
    patient = {one["name"]: one["definition"] for one in operation_definitions(table, "Patient")}
    assert patient["everything"] == "http://hl7.org/fhir/OperationDefinition/Patient-everything"
    assert "everything" not in {one["name"] for one in operation_definitions(table, "Basic")}
    assert all(one.types <= resource_types() for one in table)


@given(
    st.recursive(
        st.none() | st.booleans() | st.text(max_size=5) | st.integers(-(2**63), 2**63 - 1),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["name", "valueString", "valueCode", "resource", "part", "parameter"]
                ),
                inner,
                max_size=3,
            )
        ),
        max_leaves=12,
    )
)
def test_any_parameters_are_read_or_refused(listed: Any) -> None:
    body = dumps({"resourceType": "Parameters", "parameter": listed})
    try:
        found = read_parameters(body, (), bare=False)
    except FhirError:
        return
    assert isinstance(found, OperationParameters)
    assert len(found.pairs()) <= len(listed or ())
