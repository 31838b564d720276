"""The embedded databases: start, stop, restart on the same data, die, be left behind."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from redis.asyncio import Redis

from aimed.embedded import Stack, StackError
from aimed.embedded.answers import mongo_answers, redis_answers
from aimed.embedded.data_folder import DataFolder
from aimed.embedded.ports import free_port, require_free
from aimed.settings import MongoSettings, Settings
from fhir_server.store.connection import connect


def stack(data: Path, say: Callable[[str], None] = print) -> Stack:
    return Stack(Settings(), data, applications=False, say=say)


def alive(pid: int) -> bool:
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def gone(pids: list[int], seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while any(alive(pid) for pid in pids):  # noqa: ASYNC110  processes of others
            await asyncio.sleep(0.05)


async def write(running: Stack, value: str) -> None:
    async with connect(running.mongo_uri) as client, Redis.from_url(running.redis_uri) as redis:
        await client["t"]["things"].insert_one({"_id": value})
        await redis.rpush("things", value)


async def read(running: Stack) -> tuple[list[str], list[bytes]]:
    async with connect(running.mongo_uri) as client, Redis.from_url(running.redis_uri) as redis:
        rows = await client["t"]["things"].find().sort("_id", 1).to_list()
        return [row["_id"] for row in rows], await redis.lrange("things", 0, -1)


async def test_data_survives_a_stop_and_a_start(tmp_path: Path) -> None:
    async with stack(tmp_path) as running:
        await write(running, "a")
        pids = [running.pid("mongo"), running.pid("redis")]
    assert not any(alive(pid) for pid in pids)
    async with stack(tmp_path) as running:
        await write(running, "b")
        assert await read(running) == (["a", "b"], [b"a", b"b"])


async def test_a_killed_database_comes_back_on_its_address(tmp_path: Path) -> None:
    said: list[str] = []
    async with stack(tmp_path, said.append) as running:
        await write(running, "a")
        before = running.pid("mongo")
        running.kill("mongo")
        await gone([before])
        port = int(running.mongo_uri.rpartition(":")[2].partition("/")[0])
        async with asyncio.timeout(60):
            while not await mongo_answers(port):  # noqa: ASYNC110  over the wire
                await asyncio.sleep(0.05)
        assert running.pid("mongo") != before
        assert await read(running) == (["a"], [b"a"])
    assert said == ["mongo was ended by SIGKILL: restarting it."]


async def test_a_database_that_keeps_dying_ends_the_stack_with_a_sentence(tmp_path: Path) -> None:
    said: list[str] = []
    async with stack(tmp_path, said.append) as running:
        failing = asyncio.create_task(running.failed())
        while not failing.done():
            running.kill("redis")
            await asyncio.wait([failing], timeout=0.1)
        with pytest.raises(
            StackError, match=r"^redis stopped 6 times within a minute: see .*redis\.log\.$"
        ):
            await failing
    assert len(said) == 5


async def test_a_folder_serves_one_stack_at_a_time(tmp_path: Path) -> None:
    async with stack(tmp_path) as running:
        message = (
            rf"^Another aimed \(process {os.getpid()}\) is running on the data folder .*--data\.$"
        )
        with pytest.raises(StackError, match=message):
            await stack(tmp_path).start()
        await write(running, "a")
        assert DataFolder(tmp_path).running() is not None
    assert DataFolder(tmp_path).running() is None


SUPERVISOR = """
import asyncio, json, sys
from pathlib import Path
from aimed.embedded import Stack
from aimed.settings import Settings

async def main():
    async with Stack(Settings(), Path(sys.argv[1]), applications=False) as running:
        print(json.dumps([running.pid("mongo"), running.pid("redis")]), flush=True)
        await asyncio.sleep(600)

asyncio.run(main())
"""


def supervisor(data: Path) -> tuple[subprocess.Popen[str], list[int]]:
    process = subprocess.Popen(
        [sys.executable, "-c", SUPERVISOR, str(data)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    return process, json.loads(process.stdout.readline())


@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG is Linux's")
async def test_killing_the_supervisor_leaves_no_process_and_no_lock(tmp_path: Path) -> None:
    process, pids = supervisor(tmp_path)
    process.kill()
    process.communicate()
    await gone(pids)
    async with stack(tmp_path) as running:
        await write(running, "a")


async def test_children_left_behind_are_ended_by_the_next_start(tmp_path: Path) -> None:
    process, pids = supervisor(tmp_path)
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)  # deaf to the signal of their parent's death
    process.kill()
    process.communicate()
    assert all(alive(pid) for pid in pids)
    async with asyncio.timeout(100), stack(tmp_path) as running:
        assert not any(alive(pid) for pid in pids)
        await write(running, "a")


async def test_a_stranger_with_a_remembered_process_id_is_left_alone(tmp_path: Path) -> None:
    stranger = subprocess.Popen(["/bin/sleep", "600"], cwd="/")  # noqa: ASYNC220  returns at once
    (tmp_path / "children.json").write_text(json.dumps([stranger.pid]))
    async with stack(tmp_path):
        assert stranger.poll() is None
    stranger.kill()
    stranger.wait()


async def test_a_given_server_is_used_and_none_started(tmp_path: Path, mongo_uri: str) -> None:
    settings = Settings(mongo=MongoSettings(uri=mongo_uri))
    async with Stack(settings, tmp_path, applications=False) as running:
        assert running.mongo_uri == mongo_uri
        with pytest.raises(KeyError):
            running.pid("mongo")
        assert alive(running.pid("redis"))


async def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(StackError, match=rf"^Port {port} on 127\.0\.0\.1 is in use.*--port\.$"):
            require_free("127.0.0.1", port)
        with pytest.raises(StackError, match=f"^Port {port}"):
            await Stack(Settings(), tmp_path, port=port).start()
    async with stack(tmp_path):
        pass


async def test_an_unwritable_folder_is_named(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(StackError, match=r"^The data folder .* cannot be written .*--data\.$"):
        await stack(file / "data").start()


def test_a_free_port_is_none_that_connections_are_given() -> None:
    """Else a connection may have it before the program that it is for has started."""
    first_given = 32_768
    assert all(free_port() < first_given for _ in range(50))


def test_a_taken_port_is_not_a_free_one() -> None:
    taken = free_port(below=random.Random(7).randrange)
    with socket.create_server(("127.0.0.1", taken)):
        assert free_port(below=random.Random(7).randrange) != taken


async def test_nobody_answers_on_a_free_port() -> None:
    assert not await mongo_answers(free_port())
    assert not await redis_answers(free_port())
