"""Referential integrity tells of what is out of reach no more than a read does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import httpx2
import pytest_asyncio

from fhir_server.server import FhirServer
from tests.conformance.access.world import World
from tests.conformance.asking import Json, coded, to


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def world(server: FhirServer) -> AsyncIterator[World]:
    kept = server.server.settings
    strict = kept.model_copy(update={"referential_integrity": "on"})
    async with AsyncExitStack() as stack:
        made = World(server, stack)
        await made.fill(directives=False)
        object.__setattr__(server.server, "settings", strict)
        yield made
        object.__setattr__(server.server, "settings", kept)


def task(focus: str, **more: Json | str) -> Json:
    made = {"resourceType": "Task", "status": "requested", "intent": "order", "code": {"text": "x"}}
    return {**made, "focus": to(focus), **more}


async def told(client: httpx2.AsyncClient, focus: str) -> tuple[int, str]:
    answer = await client.post("/fhir/Task", json=task(focus))
    return answer.status_code, answer.text.replace(focus, "it")


async def test_a_hidden_target_is_like_none(world: World) -> None:
    nurse = await world.caller("nurse")
    hidden, free = await told(nurse, "Condition/p2-hiv"), await told(nurse, "Condition/free")
    assert hidden == free
    assert hidden[0] == 409
    assert (await told(nurse, "Condition/p1-con"))[0] == 201
    assert (await told(await world.caller("dry"), "Condition/p2-hiv"))[0] == 201


async def test_a_reference_that_is_there_may_stay(world: World) -> None:
    nurse, admin = await world.caller("nurse"), await world.caller("admin")
    kept = task("Condition/p2-hiv", id="kept")
    assert (await admin.put("/fhir/Task/kept", json=kept)).status_code == 201
    done = await nurse.put("/fhir/Task/kept", json={**kept, "status": "completed"})
    assert done.status_code == 200
    other = await nurse.put("/fhir/Task/kept", json=task("Observation/p4-vip", id="kept"))
    assert other.status_code == 409


async def test_a_type_that_is_out_of_reach_may_be_referred_to(world: World) -> None:
    writer = await world.caller("labwriter")
    made = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "x"},
        "category": [coded("http://x", "laboratory")],
        "subject": to("Patient/p4"),
    }
    assert (await writer.post("/fhir/Observation", json=made)).status_code == 201


async def test_who_refers_is_told_as_far_as_it_is_seen(world: World) -> None:
    nurse, admin = await world.caller("nurse"), await world.caller("admin")
    for name, more in (("open", {}), ("shut", {"meta": {"security": [_very()]}})):
        made = task("Observation/p1-lab", id=name, **more)
        assert (await admin.put(f"/fhir/Task/{name}", json=made)).status_code == 201
    assert "2 resources refer to it (Task)" in (await _refused(admin, "p1-lab"))
    assert "1 resources refer to it (Task)" in (await _refused(nurse, "p1-lab"))
    made = task("Observation/p2-lab", id="alone", meta={"security": [_very()]})
    assert (await admin.put("/fhir/Task/alone", json=made)).status_code == 201
    assert "Task" not in (await _refused(nurse, "p2-lab"))


async def _refused(client: httpx2.AsyncClient, id: str) -> str:
    answer = await client.delete(f"/fhir/Observation/{id}")
    assert answer.status_code == 409, answer.text
    return answer.text


def _very() -> Json:
    return {"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "V"}
