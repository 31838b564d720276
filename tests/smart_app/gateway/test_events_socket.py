"""Watching a consultation: all events in order, from any point, by many watchers."""

from __future__ import annotations

import asyncio

import pytest

from fhir_server.administration.acts import OPERATOR
from tests.smart_app.conftest import Desk, close_code, receive


async def test_every_event_in_order_and_again_from_any_point(desk: Desk) -> None:
    encounter = await desk.begin()
    path = f"/ws/encounters/{encounter}"
    async with desk.socket(path) as socket:
        started = await receive(socket)
        assert started["seq"] == 1
        assert started["type"] == "session.started"
        assert started["encounter"] == encounter
        assert started["data"] == {"patient": "Patient/p1", "channels": 1, "roles": ["patient"]}
        await desk.http.post(f"/api/encounters/{encounter}/stop")
        stopping = await receive(socket)
        assert (stopping["seq"], stopping["type"]) == (2, "session.stopping")
    async with desk.socket(f"{path}?after=1") as socket:
        assert (await receive(socket))["seq"] == 2
    snapshot = (await desk.http.get(f"/api/encounters/{encounter}")).json()
    assert snapshot["last_seq"] == 2


async def test_a_browser_sends_its_token_as_a_subprotocol(desk: Desk) -> None:
    encounter = await desk.begin()
    offered = ["aimed.v1", f"bearer.{desk.token}"]
    async with desk.bare(f"/ws/encounters/{encounter}", subprotocols=offered) as socket:
        assert socket.subprotocol == "aimed.v1"
        assert (await receive(socket))["type"] == "session.started"


@pytest.mark.parametrize(
    ("query", "code"), [("?after=-1", 4400), ("?after=x", 4400), ("?after=9" + "9" * 30, 4400)]
)
async def test_a_wrong_position_is_refused(desk: Desk, query: str, code: int) -> None:
    encounter = await desk.begin()
    async with desk.socket(f"/ws/encounters/{encounter}{query}") as socket:
        assert await close_code(socket) == code


async def test_a_watcher_that_talks_is_sent_away(desk: Desk) -> None:
    encounter = await desk.begin()
    async with desk.socket(f"/ws/encounters/{encounter}") as socket:
        await socket.send("hello?")
        assert await close_code(socket) == 4400


async def test_refused_watchers_learn_why(desk: Desk) -> None:
    encounter = await desk.begin()
    async with desk.bare(f"/ws/encounters/{encounter}") as socket:
        assert await close_code(socket) == 4401
    async with desk.socket("/ws/encounters/unknown") as socket:
        assert await close_code(socket) == 4404
    writer = await desk.token_for("user/Observation.cruds")
    async with desk.socket(f"/ws/encounters/{encounter}", token=writer) as socket:
        assert await close_code(socket) == 4403


async def test_an_expiring_token_closes_the_socket(desk: Desk) -> None:
    encounter = await desk.begin()
    short = await desk.token_for("user/*.r", seconds=1)
    async with desk.socket(f"/ws/encounters/{encounter}", token=short) as socket:
        assert await close_code(socket) == 4401


async def test_disabling_the_person_closes_the_socket(desk: Desk) -> None:
    encounter = await desk.begin()
    async with desk.socket(f"/ws/encounters/{encounter}") as socket:
        assert (await receive(socket))["type"] == "session.started"
        await desk.fhir.administration.people.disable(OPERATOR, "dr.adams")
        assert await close_code(socket) == 4401


async def test_a_watcher_that_does_not_read_delays_nobody(desk: Desk) -> None:
    encounter = await desk.begin()
    path = f"/ws/encounters/{encounter}"
    idle = desk.socket(path, max_queue=1, close_timeout=0.1)  # it will not read the closing either
    async with idle as slow, desk.socket(path) as quick:
        text = "x" * 20_000
        for _ in range(300):
            await desk.consultations.bus.publish(encounter, "transcript.partial", {"text": text})
        async with asyncio.timeout(20):
            seen = 0
            while seen < 301:
                seen = (await receive(quick))["seq"]
        assert slow.close_code is None


async def test_watching_is_audited(desk: Desk) -> None:
    encounter = await desk.begin()
    async with desk.socket(f"/ws/encounters/{encounter}") as socket:
        await receive(socket)
    page = await desk.fhir.server.store.search({"type": "AuditEvent"}, count=50)
    events = [stored.resource() for stored in page.entries]
    named = [
        event
        for event in events
        if any(
            one.get("what", {}).get("reference") == f"Encounter/{encounter}"
            for one in event["entity"]
        )
    ]
    assert {event["action"] for event in named} == {"C", "R"}
