"""Strict listeners on the wire: stored, checked, then answered; and tolerant ones beside them."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from typing import Any

import pytest

from fhir_server.clock import system_clock
from fhir_server.store.connection import Database
from integrations.hl7v2.message import Message
from integrations.hl7v2.store import MessageQuery, MessageRecord, replay_query, search
from tests.integrations.hl7v2.running import Running, codes, message, peer, running, until

_RIGHT = "EVN||20240102\rPID|1||{patient}^^^HOSP^MR||Doe^Jane\rPV1|1|I\r"
SETTINGS: dict[str, Any] = {
    "listeners": [{"name": "strict", "strict": True}, {"name": "tolerant"}],
    "structure": {"seconds": 8},
}


def right(control: str, *, rest: str = "", patient: str = "4711") -> bytes:
    """A message that a strict listener takes; `message()` lacks EVN and PV1."""
    head = message(control, rest=rest).partition(b"\r")[0] + b"\r"
    return head + _RIGHT.format(patient=patient).encode()


@pytest.fixture
async def strict(database: Database) -> AsyncIterator[Running]:
    async with running(database, SETTINGS) as one:
        yield one


async def _stored(hl7: Running, control: str) -> MessageRecord:
    (found,) = (await search(hl7.store.database, MessageQuery(control=control))).messages
    return await hl7.store.read(found.id)


async def _is(hl7: Running, control: str, state: str) -> bool:
    return (await _stored(hl7, control)).state == state


def _told(answer: Message) -> list[tuple[str, str, str]]:
    return [(err.text("2.1"), err.text("2.3"), err.text("3.1")) for err in answer.all("ERR")]


async def test_original_mode_names_every_finding_and_keeps_the_message(strict: Running) -> None:
    bad = right("C1").replace(b"|1||4711^^^HOSP^MR|", b"|1|||").replace(b"PV1|1|I\r", b"")
    async with peer(strict.port) as one:
        answer = await one.ask(bad)
        assert codes(answer) == ("AE", "C1")
        assert _told(answer) == [("PV1", "", "100"), ("PID", "3", "101")]
        assert answer.all("ERR")[1].text("8") == "PID-3 is required."
        assert (await one.ask(bad)).raw == answer.raw
        assert codes(await one.ask(right("C2"))) == ("AA", "C2")
        assert _told(await one.ask(right("C3").replace(b"|2.5.1", b"|2.4"))) == []
        old = await one.ask(bad.replace(b"C1|P|2.5.1", b"C4|P|2.4"))
        assert old.all("ERR")[0].text("1.1") == "PV1"
    failed = await _stored(strict, "C1")
    assert (failed.state, failed.error_code, failed.raw) == ("failed", "100", bad)
    assert failed.error_text.endswith("PID-3 is required.")
    assert [one["segment"] for one in failed.report["structure"]["findings"]] == ["PV1", "PID"]
    await until(lambda: _is(strict, "C2", "converted"))
    assert "C1" not in strict.registry.order


async def test_many_findings_are_answered_in_part_and_kept_in_full(strict: Running) -> None:
    many = right("C1") + b"AL1|x\r" * 40
    async with peer(strict.port) as one:
        answer = await one.ask(many)
    assert len(answer.all("ERR")) == 21
    assert "more findings are not named" in answer.all("ERR")[20].text("8")
    failed = await _stored(strict, "C1")
    assert len(failed.report["structure"]["findings"]) >= 80
    assert "more." in failed.error_text


async def test_enhanced_mode_commits_and_then_reports(strict: Running) -> None:
    async with peer(strict.port) as one:
        assert codes(await one.ask(message("C1", rest="|||AL|AL"))) == ("CA", "C1")
        answer = await one.answer()
        assert codes(answer) == ("AE", "C1")
        assert [place for place, _, _ in _told(answer)] == ["EVN", "PV1"]
        assert codes(await one.ask(right("C2", rest="|||AL|AL"))) == ("CA", "C2")
        assert codes(await one.answer()) == ("AA", "C2")
        event = right("C3", rest="|||AL|ER").replace(b"ADT^A08^ADT_A01", b"ADT^A99")
        assert codes(await one.ask(event)) == ("CA", "C3")
        assert codes(await one.answer()) == ("AR", "C3")
    assert (await _stored(strict, "C1")).state == "failed"


async def test_replay_goes_by_the_settings_as_they_are_now(
    strict: Running, database: Database
) -> None:
    async with peer(strict.port) as one:
        assert codes(await one.ask(message("C1"))) == ("AE", "C1")
        assert codes(await one.ask(message("C2", rest="|||AL|NE"))) == ("CA", "C2")
    await until(lambda: _is(strict, "C2", "failed"))
    query = MessageQuery(states=("failed",))
    assert (await replay_query(database, query, system_clock())).queued == 2
    await until(lambda: _is(strict, "C2", "failed"))
    strict.stopped.set()
    lenient = {"listeners": [{"name": "strict"}]}
    async with running(database, lenient, name="later") as later:
        await until(lambda: _is(later, "C1", "failed"))
        await replay_query(database, query, system_clock())
        await until(lambda: _is(later, "C1", "replayed"))
        await until(lambda: _is(later, "C2", "replayed"))
        async with peer(later.port) as one:
            # The resend of a message that has become good.
            assert codes(await one.ask(message("C1"))) == ("AA", "C1")


async def test_converted_before_the_answer_is_checked_too(database: Database) -> None:
    async with running(database, {**SETTINGS, "ack_after": "converted"}) as hl7:
        async with peer(hl7.port) as one:
            assert codes(await one.ask(message("C1"))) == ("AE", "C1")
            assert codes(await one.ask(right("C2"))) == ("AA", "C2")
        assert hl7.registry.order == ["C2"]


async def test_a_check_that_hangs_or_dies_has_a_clear_end(strict: Running) -> None:
    async with peer(strict.port) as one:
        assert codes(await one.ask(right("C1"))) == ("AA", "C1")
        (pid,) = strict.checking.pids
        os.kill(pid, signal.SIGKILL)
        assert codes(await one.ask(right("C2"))) == ("AA", "C2")
        (pid,) = strict.checking.pids
        os.kill(pid, signal.SIGSTOP)
        answer = await one.ask(right("C3"))
        assert codes(answer) == ("AE", "C3")
        assert answer.all("ERR")[0].text("3.1") == "207"
        assert "longer than 8 s" in answer.all("ERR")[0].text("8")
        assert codes(await one.ask(right("C4"))) == ("AA", "C4")
    await replay_query(strict.store.database, MessageQuery(control="C3"), system_clock())
    await until(lambda: _is(strict, "C3", "replayed"))


async def test_tolerant_listeners_do_not_wait_and_start_no_process(strict: Running) -> None:
    (_, _, port), (_, _, tolerant) = strict.server.addresses
    async with peer(tolerant) as easy, peer(port) as hard:
        assert codes(await easy.ask(message("C1"))) == ("AA", "C1")
        assert strict.checking.pids == ()
        await hard.ask(right("C2"))
        (pid,) = strict.checking.pids
        os.kill(pid, signal.SIGSTOP)
        try:
            await hard.send(right("C3"))
            async with asyncio.timeout(7):
                assert codes(await easy.ask(message("C4"))) == ("AA", "C4")
                await until(lambda: _is(strict, "C4", "converted"))
        finally:
            os.kill(pid, signal.SIGCONT)
        assert codes(await hard.answer()) == ("AA", "C3")


async def test_what_a_dead_process_had_not_checked_is_checked_by_the_next(
    database: Database,
) -> None:
    """The first one stores and is gone before its verdict; the sender never comes back."""
    quick = {**SETTINGS, "convert_seconds": 0.02}
    async with running(database, quick, processing=False) as dying, peer(dying.port) as one:
        answer = await one.ask(message("C1"))
        assert codes(answer) == ("AE", "C1")
        assert "not checked yet" in answer.all("ERR")[0].text("8")
    async with running(database, SETTINGS, name="next") as after:
        await until(lambda: _is(after, "C1", "failed"))
        async with peer(after.port) as one:
            answer = await one.ask(message("C1"))
        assert codes(answer) == ("AE", "C1")
        assert [place for place, _, _ in _told(answer)] == ["EVN", "PV1"]


async def test_a_process_that_only_receives_answers_by_itself(database: Database) -> None:
    async with running(database, SETTINGS, processing=False) as receiving:
        async with peer(receiving.port) as one:
            assert codes(await one.ask(right("C1"))) == ("AA", "C1")
            assert codes(await one.ask(message("C2"))) == ("AE", "C2")
        assert await _is(receiving, "C1", "received")
        assert await _is(receiving, "C2", "failed")


async def test_a_held_message_is_nobody_elses(strict: Running) -> None:
    """While the receiver checks, nobody else takes it."""
    async with peer(strict.port) as one:
        await one.ask(right("C1"))
        (pid,) = strict.checking.pids
        os.kill(pid, signal.SIGSTOP)
        try:
            await one.send(right("C2"))
            await until(lambda: _there(strict, "C2"))
            await asyncio.sleep(0.4)
            assert await _is(strict, "C2", "received")
        finally:
            os.kill(pid, signal.SIGCONT)
        assert codes(await one.answer()) == ("AA", "C2")


async def _there(hl7: Running, control: str) -> bool:
    return bool((await search(hl7.store.database, MessageQuery(control=control))).messages)
