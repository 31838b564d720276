"""The processes that check: real ones, killed, stopped, starved and ended."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest

from integrations.hl7v2.structure.checked import CheckFailed
from integrations.hl7v2.structure.pool import CheckingPool
from integrations.hl7v2.structure.settings import StructureSettings
from tests.integrations.hl7v2.running import until
from tests.integrations.hl7v2.structure.test_checking import EVN, PID, PV1, adt, raw


@pytest.fixture
async def pool() -> AsyncIterator[CheckingPool]:
    async with aclosing(_pool()) as one:
        yield one


def _pool(**settings: Any) -> CheckingPool:
    return CheckingPool(StructureSettings(**settings))


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_findings_come_back_whole_and_processes_are_few(pool: CheckingPool) -> None:
    assert pool.pids == ()
    bad, good = raw(PID), adt()
    found = await asyncio.gather(*(pool.check(one, "cp1252") for one in (bad, good) * 20))
    assert [len(one.findings) for one in found] == [2, 0] * 20
    first = found[0].findings[0]
    assert first.location is not None
    assert (first.code, first.location.segment, first.location.sequence) == ("100", "EVN", 1)
    assert (found[0].version, found[0].structure) == ("2.5.1", "ADT_A01")
    assert len(pool.pids) == 1


async def test_a_process_that_dies_costs_no_message(pool: CheckingPool) -> None:
    await pool.check(adt(), "cp1252")
    (pid,) = pool.pids
    os.kill(pid, signal.SIGKILL)
    assert (await pool.check(adt(), "cp1252")).findings == ()
    assert pool.pids != (pid,)


async def test_one_that_hangs_is_ended_and_the_next_message_is_checked() -> None:
    async with aclosing(_pool(seconds=8)) as pool:
        await pool.check(adt(), "cp1252")
        (pid,) = pool.pids
        os.kill(pid, signal.SIGSTOP)
        with pytest.raises(CheckFailed, match="took longer than 8 s"):
            await pool.check(adt(), "cp1252")
        assert not _alive(pid)
        assert (await pool.check(adt(), "cp1252")).findings == ()


async def test_a_start_has_a_limit_of_its_own() -> None:
    settings = StructureSettings(seconds=0.001)
    async with aclosing(CheckingPool(settings, start_seconds=0.005)) as pool:
        with pytest.raises(CheckFailed, match=r"^Starting to check .* longer than 0\.005 s\.$"):
            await pool.check(adt(), "cp1252")
        assert pool.pids == ()


async def test_one_that_dies_of_every_message_gives_a_clear_answer() -> None:
    async with aclosing(_pool()) as pool:
        killing = asyncio.create_task(_kill_all(pool))
        try:
            with pytest.raises(CheckFailed, match="ended before it had an answer"):
                # Long enough that no answer comes before the end.
                await pool.check(raw(EVN, PID + "~ab" * 100_000, PV1), "cp1252")
        finally:
            killing.cancel()


async def _kill_all(pool: CheckingPool) -> None:
    while True:
        for pid in pool.pids:
            os.kill(pid, signal.SIGKILL)
        await asyncio.sleep(0.001)


async def test_memory_has_a_limit() -> None:
    async with aclosing(_pool(mebibytes=256, seconds=60)) as pool:
        huge = raw(EVN, PID + "~ab" * 6_000_000, PV1)
        with pytest.raises(CheckFailed, match=r"MemoryError|ended before"):
            await pool.check(huge, "cp1252")
        assert (await pool.check(adt(), "cp1252")).findings == ()


async def test_whoever_goes_away_leaves_no_answer_for_the_next(pool: CheckingPool) -> None:
    await pool.check(adt(), "cp1252")
    (pid,) = pool.pids
    os.kill(pid, signal.SIGSTOP)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await pool.check(raw(PID), "cp1252")
    assert not _alive(pid)
    assert (await pool.check(adt(), "cp1252")).findings == ()


async def test_all_end_with_the_pool_and_with_their_parent() -> None:
    pool = _pool(workers=2)
    await asyncio.gather(*(pool.check(adt(), "cp1252") for _ in range(2)))
    pids = pool.pids
    assert len(pids) == 2
    await pool.aclose()
    assert not any(_alive(one) for one in pids)


async def test_a_process_ends_when_whoever_asked_is_no_more() -> None:
    pool = _pool()
    await pool.check(adt(), "cp1252")
    (process,) = pool._all
    assert process.stdin is not None
    process.stdin.close()
    await until(lambda: _ended(process.pid))
    await pool.aclose()


async def _ended(pid: int) -> bool:
    return not _alive(pid)


async def test_secrets_do_not_reach_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIMED_MONGO__URI", "mongodb://secret")
    async with aclosing(_pool()) as pool:
        await pool.check(adt(), "cp1252")
        (pid,) = pool.pids
        with open(f"/proc/{pid}/environ", "rb") as file:  # noqa: ASYNC230  of the kernel
            assert b"secret" not in file.read()
