"""The CapabilityStatement says what works, and what it says works."""

from __future__ import annotations

import httpx2

from fhir_server.validation.validator import validate


async def test_it_is_a_valid_resource(anonymous: httpx2.AsyncClient) -> None:
    statement = (await anonymous.get("/fhir/metadata")).json()
    assert validate(statement) == ()
    assert statement["fhirVersion"] == "4.0.1"


async def test_it_states_operations_compartments_and_formats(
    anonymous: httpx2.AsyncClient,
) -> None:
    statement = (await anonymous.get("/fhir/metadata")).json()
    rest = statement["rest"][0]
    patient = next(one for one in rest["resource"] if one["type"] == "Patient")
    assert {"everything", "validate"} <= {one["name"] for one in patient["operation"]}
    assert {"reindex", "versions"} <= {one["name"] for one in rest["operation"]}
    assert len(rest["interaction"]) == len({one["code"] for one in rest["interaction"]})
    assert {one["name"] for one in rest["searchParam"]} >= {"_id", "_lastUpdated", "_tag"}
    assert len(rest["compartment"]) == 5
    assert "application/fhir+xml" in statement["format"]
    assert "Observation:subject" in patient["searchRevInclude"]


async def test_modes(anonymous: httpx2.AsyncClient) -> None:
    full = await anonymous.get("/fhir/metadata?mode=full")
    assert full.content == (await anonymous.get("/fhir/metadata")).content
    part = (await anonymous.get("/fhir/metadata?mode=normative")).json()
    types = {one["type"] for one in part["rest"][0]["resource"]}
    assert "Patient" in types
    assert "Encounter" not in types
    terminology = (await anonymous.get("/fhir/metadata?mode=terminology")).json()
    assert validate(terminology) == ()
    assert {"uri": "http://hl7.org/fhir/administrative-gender"} in terminology["codeSystem"]
    assert (await anonymous.get("/fhir/metadata?mode=x")).status_code == 400


async def test_every_stated_search_parameter_is_accepted(fhir: httpx2.AsyncClient) -> None:
    statement = (await fhir.get("/fhir/metadata")).json()
    values = {
        "date": "2026",
        "token": "x",
        "string": "x",
        "reference": "x",
        "uri": "urn:x",
        "quantity": "5",
        "composite": "x$5",
        "number": "1",
    }
    for resource in statement["rest"][0]["resource"]:
        if resource["type"] not in ("Patient", "Observation", "Encounter", "Composition"):
            continue
        for parameter in resource["searchParam"]:
            value = values[parameter["type"]]
            if parameter["name"] == "code-value-date":
                value = "x$2026"
            answer = await fhir.get(f"/fhir/{resource['type']}?{parameter['name']}={value}")
            assert answer.status_code == 200, (resource["type"], parameter["name"], answer.text)


async def test_every_stated_interaction_is_routed(fhir: httpx2.AsyncClient) -> None:
    statement = (await fhir.get("/fhir/metadata")).json()
    patient = next(r for r in statement["rest"][0]["resource"] if r["type"] == "Patient")
    codes = {one["code"] for one in patient["interaction"]}
    made = {"resourceType": "Patient", "id": "p1"}
    answers = {
        "update": await fhir.put("/fhir/Patient/p1", json=made),
        "create": await fhir.post("/fhir/Patient", json=made),
        "read": await fhir.get("/fhir/Patient/p1"),
        "vread": await fhir.get("/fhir/Patient/p1/_history/1"),
        "history-instance": await fhir.get("/fhir/Patient/p1/_history"),
        "history-type": await fhir.get("/fhir/Patient/_history"),
        "search-type": await fhir.get("/fhir/Patient"),
        "patch": await fhir.patch(
            "/fhir/Patient/p1",
            json=[{"op": "add", "path": "/active", "value": True}],
            headers={"Content-Type": "application/json-patch+json"},
        ),
        "delete": await fhir.delete("/fhir/Patient/p1"),
    }
    assert codes == set(answers)
    assert all(answer.status_code < 300 for answer in answers.values())


async def test_open_api_describes_every_stated_interaction(anonymous: httpx2.AsyncClient) -> None:
    document = (await anonymous.get("/fhir/openapi.json")).json()
    statement = (await anonymous.get("/fhir/metadata")).json()
    assert document["openapi"] == "3.1.0"
    described = {
        operation["summary"].removeprefix("FHIR ")
        for path in document["paths"].values()
        for operation in path.values()
    }
    rest = statement["rest"][0]
    stated = {one["code"] for one in rest["interaction"]} - {"batch"}
    for resource in rest["resource"]:
        stated |= {one["code"] for one in resource["interaction"]}
        stated |= {f"operation ${one['name']}" for one in resource.get("operation", ())}
    assert stated <= described
