"""kill -9 of a conversion worker, then of who hands it its work."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from fhir_server.store.connection import Database
from tests.integrations.hl7v2.running import Peer, assert_converted_once, codes, peer, until
from tests.integrations.hl7v2.test_end_to_end import adt, oru, visit

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
PATIENTS = 6


@asynccontextmanager
async def _mllp(uri: str, database: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, int]]:
    listener = {"name": "default", "host": "127.0.0.1", "port": 0}
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "aimed", "mllp", stdout=asyncio.subprocess.PIPE,
        env={
            **os.environ,
            "AIMED_MONGO__URI": uri,
            "AIMED_MONGO__DATABASE": database,
            "AIMED_HL7V2__LISTENERS": json.dumps([listener]),
            "AIMED_HL7V2__WORKERS": "2",
        },
    )  # fmt: skip
    try:
        assert child.stdout is not None
        async with asyncio.timeout(60):
            line = (await child.stdout.readline()).decode()
        yield child, int(line.rpartition(":")[2])
    finally:
        if child.returncode is None:
            child.kill()
        await child.communicate()  # its workers have the other end of the pipe, and go after it


def _workers(parent: int) -> list[int]:
    text = Path(f"/proc/{parent}/task/{parent}/children").read_text()
    return [one for one in map(int, text.split()) if b"spawn_main" in _command(one)]


def _command(process: int) -> bytes:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()
    except FileNotFoundError:
        return b""


async def test_a_dead_worker_costs_nothing(database: Database, mongo_uri: str) -> None:
    """Killed between two messages: what is left open in the middle of one, the database ends after
    a minute, see test_hl7v2_import for that."""
    async with _mllp(mongo_uri, database.name) as (parent, port), peer(port) as one:
        await _sent(one, range(PATIENTS // 2))
        await until(lambda: _converted(database, PATIENTS), seconds=60)
        os.kill(_workers(parent.pid)[0], signal.SIGKILL)
        await _sent(one, range(PATIENTS // 2, PATIENTS))
        await until(lambda: _converted(database, 2 * PATIENTS), seconds=90)
        await assert_converted_once(database, PATIENTS)
        await until(lambda: _two(parent.pid))  # the other one may have done all that was left
        workers = _workers(parent.pid)
        parent.kill()
        await until(lambda: _gone(workers))


async def test_a_worker_that_hangs_holds_up_no_end(database: Database, mongo_uri: str) -> None:
    async with _mllp(mongo_uri, database.name) as (parent, port):
        async with peer(port) as one:
            await _sent(one, range(2))
        await until(lambda: _converted(database, 4), seconds=60)
        workers = _workers(parent.pid)
        for pid in workers:
            os.kill(pid, signal.SIGSTOP)
        parent.terminate()
        async with asyncio.timeout(60):
            await parent.wait()
        assert parent.returncode == 0
        await until(lambda: _gone(workers))


async def _sent(one: Peer, numbers: range) -> None:
    for number in numbers:
        name = f"W{number}"
        for raw in (
            adt("A01", f"{name}A", name, "WORKED", visit(f"V{name}")),
            oru(f"{name}R", name, "WORKED", "4.1"),
        ):
            assert codes(await one.ask(raw.encode()))[0] == "AA"


async def _converted(database: Database, count: int) -> bool:
    done = await database["hl7v2_messages"].count_documents({"state": "converted"})
    return done >= count


async def _two(parent: int) -> bool:
    return len(_workers(parent)) == 2


async def _gone(processes: list[int]) -> bool:
    return not any(_command(one) for one in processes)
