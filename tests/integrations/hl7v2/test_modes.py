"""Original and enhanced mode, acknowledged when stored or when converted."""

from __future__ import annotations

import asyncio

import pytest

from fhir_server.clock import system_clock
from fhir_server.errors import InvalidResource, Unavailable
from fhir_server.store.connection import Database
from integrations.hl7v2.store import MessageQuery, search
from tests.integrations.hl7v2.running import Running, codes, message, peer, running, until

_CONVERTED = {"ack_after": "converted"}


async def test_enhanced_commit_then_application(hl7: Running) -> None:
    async with peer(hl7.port) as one:
        assert codes(await one.ask(message("C1", rest="|||AL|AL"))) == ("CA", "C1")
        answer = await one.answer()
        assert codes(answer) == ("AA", "C1")
        assert answer.header.accept_ack == "NE"
        assert codes(await one.ask(message("C2", rest="|||AL|NE"))) == ("CA", "C2")
        await one.send(message("C3", rest="|||NE|AL"))
        assert codes(await one.answer()) == ("AA", "C3")
        await one.send(message("C4", rest="|||NE|NE"))
        await one.send(message("C5", rest="|||ER|SU"))
        assert codes(await one.answer()) == ("AA", "C5")
    await until(lambda: _answered(hl7, 3))


async def _answered(hl7: Running, count: int) -> bool:
    done = {"answer.state": "sent"}
    return await hl7.store.database["hl7v2_messages"].count_documents(done) == count


async def test_enhanced_errors(hl7: Running) -> None:
    hl7.registry.fail = {"C1": [InvalidResource("Not so.")], "C2": [InvalidResource("Not so.")]}
    async with peer(hl7.port) as one:
        assert codes(await one.ask(message("C1", rest="|||SU|ER"))) == ("CA", "C1")
        answer = await one.answer()
        assert codes(answer) == ("AE", "C1")
        assert answer.all("ERR")[0].text("8") == "Not so."
        assert codes(await one.ask(message("C2", rest="|||AL|SU"))) == ("CA", "C2")
        bad = message("C3", rest="|||ER|AL").replace(b"ADT^A08^ADT_A01", b"")
        assert codes(await one.ask(bad)) == ("CR", "C3")


async def test_an_acknowledgement_is_kept_and_not_answered(hl7: Running) -> None:
    async with peer(hl7.port) as one:
        await one.send(message("C1").replace(b"ADT^A08^ADT_A01", b"ACK^A08^ACK"))
        assert codes(await one.ask(message("C2"))) == ("AA", "C2")
    (found,) = (await search(hl7.store.database, MessageQuery(control="C1"))).messages
    assert found.state == "ignored"


class _Path:
    def __init__(self, *, taken: bool = True) -> None:
        self.taken = taken
        self.sent: list[bytes] = []

    async def send_application_acknowledgement(
        self, acknowledgement: bytes, *, listener: str, application: str, facility: str
    ) -> bool:
        assert (listener, application, facility) == ("default", "APP", "FAC")
        self.sent.append(acknowledgement)
        return self.taken


@pytest.mark.parametrize("taken", [True, False])
async def test_the_return_path_when_the_connection_has_gone(
    database: Database, taken: bool
) -> None:
    path = _Path(taken=taken)
    async with running(database, path=path) as hl7:
        hl7.registry.hold = {"C1": (go := asyncio.Event())}
        async with peer(hl7.port) as one:
            assert codes(await one.ask(message("C1", rest="|||AL|AL"))) == ("CA", "C1")
        await until(lambda: _unconnected(hl7))
        go.set()
        await until(lambda: _state(hl7, "C1", "converted"))
        await until(lambda: _gone(path))
        (found,) = (await search(database, MessageQuery(control="C1"))).messages
        assert b"MSA|AA|C1" in path.sent[0]
        await until(lambda: _answer_is(hl7, found.id, "sent" if taken else "undeliverable"))


async def _unconnected(hl7: Running) -> bool:
    return hl7.server.connections == 0


async def _gone(path: _Path) -> bool:
    return bool(path.sent)


async def _answer_is(hl7: Running, id: str, state: str) -> bool:
    found = await hl7.store.read(id)
    return found.answer is not None and found.answer.state == state


async def _state(hl7: Running, control: str, state: str) -> bool:
    found = (await search(hl7.store.database, MessageQuery(control=control))).messages
    return [one.state for one in found] == [state]


async def test_converted_before_the_answer(database: Database) -> None:
    async with running(database, _CONVERTED) as hl7:
        hl7.registry.fail = {"C2": [InvalidResource("PID-3 is odd.")]}
        async with peer(hl7.port) as one:
            assert codes(await one.ask(message("C1"))) == ("AA", "C1")
            assert hl7.registry.order == ["C1"]
            answer = await one.ask(message("C2"))
            assert codes(answer) == ("AE", "C2")
            assert answer.all("ERR")[0].text("8") == "PID-3 is odd."
            assert (await one.ask(message("C2"))).raw == answer.raw


async def test_a_conversion_that_takes_too_long_has_to_be_asked_again(database: Database) -> None:
    async with running(database, {**_CONVERTED, "convert_seconds": 0.2}) as hl7:
        hl7.registry.hold = {"C1": (go := asyncio.Event())}
        async with peer(hl7.port) as one:
            assert codes(await one.ask(message("C1"))) == ("AE", "C1")
            go.set()
            await until(lambda: _state(hl7, "C1", "converted"))
            assert codes(await one.ask(message("C1"))) == ("AA", "C1")
        assert hl7.registry.order == ["C1"]


async def test_another_process_converts(database: Database) -> None:
    async with (
        running(database, _CONVERTED, processing=False) as receiving,
        running(database, name="other") as converting,
    ):
        async with peer(receiving.port) as one:
            assert codes(await one.ask(message("C1"))) == ("AA", "C1")
        assert converting.registry.order == ["C1"]


async def test_an_outage_is_tried_again_in_its_place(database: Database) -> None:
    async with running(database) as hl7:
        hl7.registry.fail = {"C1": [Unavailable("Not now."), Unavailable("Not now.")]}
        hl7.registry.hold = {"C2": (go := asyncio.Event())}
        async with peer(hl7.port) as one:
            for number in (1, 2, 3):
                await one.ask(message(f"C{number}"))
            await one.ask(message("X1", patient="other"))
        await until(lambda: _state(hl7, "X1", "converted"))
        go.set()
        await until(lambda: _state(hl7, "C3", "converted"))
        assert [c for c in hl7.registry.order if c != "X1"] == ["C1", "C2", "C3"]
        (found,) = (await search(database, MessageQuery(control="C1"))).messages
        assert found.attempts == 3


async def test_a_merge_keeps_its_place_in_both_lanes(database: Database) -> None:
    async with running(database) as hl7:
        hl7.registry.seconds = 0.02
        async with peer(hl7.port) as one:
            await one.send(message("A1", patient="a"))
            await one.send(message("B1", patient="b"))
            await one.send(message("M", patient="a", body="MRG|b^^^HOSP\r"))
            await one.send(message("B2", patient="b"))
            await one.send(message("A2", patient="a"))
            for _ in range(5):
                await one.answer()
        await until(lambda: _state(hl7, "A2", "converted"))
        await until(lambda: _state(hl7, "B2", "converted"))
        assert set(hl7.registry.order[:2]) == {"A1", "B1"}
        assert hl7.registry.order[2] == "M"


async def test_lanes_run_at_the_same_time(database: Database) -> None:
    async with running(database) as hl7:
        go = asyncio.Event()
        hl7.registry.hold = {f"C{number}": go for number in range(6)}
        async with peer(hl7.port) as one:
            for number in range(6):
                await one.send(message(f"C{number}", patient=f"p{number}"))
            await until(lambda: _begun(hl7, 2))
            assert hl7.registry.order == []
            go.set()
            await until(lambda: _all(hl7, 6))


async def _begun(hl7: Running, count: int) -> bool:
    return len(hl7.registry.begun) == count


async def _all(hl7: Running, count: int) -> bool:
    return len(hl7.registry.order) == count


async def test_what_was_claimed_by_a_dead_process_is_converted(database: Database) -> None:
    async with running(database, processing=False) as hl7:
        async with peer(hl7.port) as one:
            for number in range(4):
                await one.ask(message(f"C{number}"))
        await hl7.store.claim(3, system_clock())
    async with running(database, name="next") as after:
        await until(lambda: _state(after, "C3", "converted"))
        assert after.registry.order == ["C0", "C1", "C2", "C3"]


async def test_ignored_failed_and_replayed(hl7: Running, database: Database) -> None:
    from integrations.hl7v2.store import replay_query

    hl7.registry.fail = {"C1": [InvalidResource("Not so.")], "C2": [RuntimeError("Jane Doe")]}
    async with peer(hl7.port) as one:
        for control in ("C1", "C2", "ignore"):
            await one.ask(message(control))
    await until(lambda: _state(hl7, "ignore", "ignored"))
    failed = (await search(database, MessageQuery(states=("failed",)))).messages
    assert [one.error_text for one in failed] == ["A fault of the server: RuntimeError.", "Not so."]
    assert (
        await replay_query(database, MessageQuery(states=("failed",)), system_clock())
    ).queued == 2
    await until(lambda: _state(hl7, "C2", "replayed"))
    assert hl7.registry.order == ["C1", "C2"]
