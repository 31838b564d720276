"""A directive applies at once, labels travel, and all of it is recorded."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest_asyncio

from fhir_server.clock import random_id, system_clock
from fhir_server.server import FhirServer, open_fhir_server
from fhir_server.settings import FhirSettings
from tests.conformance.access.world import World, consent
from tests.conformance.asking import Json, resource, to

ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
LEVELS = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
MARK = {
    (LEVELS, "R"),
    (ACT_CODE, "ETH"),
    (ACT_CODE, "SUD"),
    (ACT_CODE, "HIV"),
    (ACT_CODE, "PSY"),
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def world(server: FhirServer) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        made = World(server, stack)
        await made.fill(directives=False)
        yield made


def against(who: str, **members: Json) -> Json:
    actor = {"role": {"text": "recipient"}, "reference": {"reference": f"Practitioner/{who}"}}
    return consent({"id": "now", "patient": "p3", "provision": {"type": "deny", "actor": [actor]}})


def labels(codings: list[dict[str, str]]) -> set[tuple[str, str]]:
    return {(one["system"], one["code"]) for one in codings}


async def test_it_applies_at_once_and_ends_at_once(world: World) -> None:
    admin, doctor = await world.caller("admin"), await world.caller("drx")
    path = "/fhir/Observation/p3-lab"
    assert (await doctor.get(path)).status_code == 200
    denied = against("drx")
    assert (await admin.put("/fhir/Consent/now", json=denied)).status_code == 201
    assert (await doctor.get(path)).status_code == 404
    ended = {**denied, "status": "inactive"}
    assert (await admin.put("/fhir/Consent/now", json=ended)).status_code == 200
    assert (await doctor.get(path)).status_code == 200
    assert (await admin.put("/fhir/Consent/now", json=denied)).status_code == 200
    assert (await doctor.get(path)).status_code == 404
    assert (await admin.delete("/fhir/Consent/now")).status_code == 204
    assert (await doctor.get(path)).status_code == 200


async def test_another_process_knows_at_once(world: World, server: FhirServer) -> None:
    other = await open_fhir_server(
        server.server.store.database,
        FhirSettings(),
        clock=system_clock,
        ids=random_id,
        secret=lambda: secrets.token_urlsafe(32),
    )
    async with AsyncExitStack() as stack:
        elsewhere = World(other, stack)
        doctor, admin = await elsewhere.caller("drx"), await world.caller("admin")
        path = "/fhir/Observation/p3-lab"
        assert (await doctor.get(path)).status_code == 200
        await admin.put("/fhir/Consent/now", json=against("drx"))
        assert (await doctor.get(path)).status_code == 404
        await admin.delete("/fhir/Consent/now")
        assert (await doctor.get(path)).status_code == 200
    await other.aclose()


async def test_what_follows_in_a_batch_is_bound(world: World) -> None:
    admin = await world.caller("admin")
    denied = {**against("drx"), "provision": {"type": "deny"}}
    entries = [
        {"resource": denied, "request": {"method": "PUT", "url": "Consent/now"}},
        {"request": {"method": "GET", "url": "Observation/p3-lab"}},
        {"request": {"method": "DELETE", "url": "Consent/now"}},
        {"request": {"method": "GET", "url": "Observation/p3-lab"}},
    ]
    bundle = {"resourceType": "Bundle", "type": "batch", "entry": entries}
    answer = (await admin.post("/fhir", json=bundle)).json()
    statuses = [one["response"]["status"] for one in answer["entry"]]
    assert statuses == ["201", "404", "204", "200"] or statuses == ["200", "404", "204", "200"]


async def test_a_change_of_the_team_changes_who_is_meant(world: World) -> None:
    admin, doctor = await world.caller("admin"), await world.caller("drx")
    team = resource("CareTeam", "team", status="active")
    await admin.put("/fhir/CareTeam/team", json=team)
    actor = {"role": {"text": "recipient"}, "reference": {"reference": "CareTeam/team"}}
    denied = {**against("drx"), "provision": {"type": "deny", "actor": [actor]}}
    await admin.put("/fhir/Consent/now", json=denied)
    assert (await doctor.get("/fhir/Patient/p3")).status_code == 200
    joined = {**team, "participant": [{"member": to("Practitioner/drx")}]}
    await admin.put("/fhir/CareTeam/team", json=joined)
    assert (await doctor.get("/fhir/Patient/p3")).status_code == 404
    await admin.delete("/fhir/Consent/now")


async def test_a_searchset_carries_its_high_water_mark(world: World) -> None:
    doctor = await world.caller("drx")
    found = (await doctor.get("/fhir/Condition")).json()
    assert labels(found["meta"]["security"]) == MARK
    plain = (await doctor.get("/fhir/Encounter")).json()
    assert "meta" not in plain
    record = (await doctor.get("/fhir/Patient/p2/$everything")).json()
    assert (ACT_CODE, "HIV") in labels(record["meta"]["security"])


async def test_the_audit_carries_the_labels(world: World) -> None:
    doctor, auditor = await world.caller("drx"), await world.caller("auditor")
    await doctor.get("/fhir/Condition/p2-hiv")
    await doctor.get("/fhir/Condition?code=B20")
    found = (await auditor.get("/fhir/AuditEvent?entity=Condition/p2-hiv&_count=50")).json()
    events = [one["resource"] for one in found["entry"]]
    reads = [one for one in events if one["action"] == "R"]
    assert labels(reads[0]["entity"][0]["securityLabel"]) == {(LEVELS, "R"), (ACT_CODE, "HIV")}
    created = [one for one in events if one["action"] == "C"]
    whole = {one["what"].get("reference"): one for one in created[0]["entity"] if "what" in one}
    assert labels(whole["Condition/p2-hiv"]["securityLabel"]) == {(LEVELS, "R"), (ACT_CODE, "HIV")}
    assert "securityLabel" not in whole["Observation/p2-lab"]
    found = (await auditor.get("/fhir/AuditEvent?_count=20&action=E")).json()
    queries = [
        entity
        for one in found["entry"]
        for entity in one["resource"]["entity"]
        if "query" in entity and "securityLabel" in entity
    ]
    assert labels(queries[0]["securityLabel"]) == {(LEVELS, "R"), (ACT_CODE, "HIV")}


async def test_labels_outlive_a_deletion(world: World) -> None:
    admin, nurse = await world.caller("admin"), await world.caller("nurse")
    body = resource("Flag", "gone", status="active", code={"text": "x"}, subject=to("Patient/p4"))
    secret = {**body, "meta": {"security": [{"system": LEVELS, "code": "V"}]}}
    await admin.put("/fhir/Flag/gone", json=secret)
    await admin.delete("/fhir/Flag/gone")
    assert (await admin.put("/fhir/Flag/gone", json=body)).status_code == 201
    assert (await nurse.get("/fhir/Flag/gone")).status_code == 404


async def test_labels_of_hidden_resources_are_not_listed(world: World) -> None:
    nurse, admin = await world.caller("nurse"), await world.caller("admin")
    assert '"V"' not in (await nurse.get("/fhir/Observation/$meta")).text
    assert '"V"' in (await admin.get("/fhir/Observation/$meta")).text
