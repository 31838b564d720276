"""The processes that check structure: few, started when first needed, each with one message.

A process of its own for each, not a pool of the library: there one that dies takes the others'
messages with it, and one that hangs cannot be ended.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from typing import Any

import structlog

from integrations.hl7v2.structure.checked import Checked, CheckFailed, checked_of
from integrations.hl7v2.structure.settings import StructureSettings

_log = structlog.get_logger("aimed.hl7v2")
_WORKER = "integrations.hl7v2.structure.worker"
_ATTEMPTS = 2
"""A process may die of something else than the message, so that is tried once more."""
START_SECONDS = 60.0
"""A start takes 0.15 s of a core; that it is late is no fault of the message that waits."""
_SIZE = 4


class CheckingPool:
    """A `StructureChecker`. `aclose` ends the processes."""

    def __init__(
        self, settings: StructureSettings, *, start_seconds: float = START_SECONDS
    ) -> None:
        self._settings = settings
        self._start_seconds = start_seconds
        self._free = asyncio.Semaphore(settings.workers)
        self._idle: list[Process] = []
        self._all: set[Process] = set()

    @property
    def pids(self) -> tuple[int, ...]:
        """The processes there are."""
        return tuple(one.pid for one in self._all)

    async def check(self, raw: bytes, fallback: str) -> Checked:
        """Wait for a free process and let it check. Raises `CheckFailed`."""
        async with self._free:
            for _ in range(_ATTEMPTS):
                document = await self._asked(raw, fallback)
                if document is not None:
                    return _read(document)
        raise CheckFailed("The process that checked the structure ended before it had an answer.")

    async def aclose(self) -> None:
        """End all processes at once, busy or not."""
        await asyncio.gather(*(self._end(one) for one in list(self._all)))
        self._idle.clear()

    async def _asked(self, raw: bytes, fallback: str) -> dict[str, Any] | None:
        """The answer of a process, None when the process died."""
        fresh = not self._idle
        try:
            process = await self._start() if fresh else self._idle.pop()
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise CheckFailed(f"No process to check the structure could start: {reason}.") from None
        try:
            if fresh:
                async with _within(self._start_seconds, "Starting to check the structure"):
                    await _readiness(process)
            async with _within(self._settings.seconds, "Checking the structure"):
                document = await _exchange(process, raw, fallback)
        except (OSError, EOFError):
            await self._end(process)
            _log.warning("structure check died", code=process.returncode)
            return None
        except BaseException:
            # Out of time, or cancelled in the middle: what it would answer next belongs to nobody.
            await self._end(process)
            raise
        self._idle.append(process)
        return document

    async def _start(self) -> Process:
        limits = (str(self._settings.seconds), str(self._settings.mebibytes))
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            _WORKER,
            *limits,
            stdin=PIPE,
            stdout=PIPE,
            # A traceback would quote the message.
            stderr=DEVNULL,
            env=_environment(),
            start_new_session=True,
        )
        self._all.add(process)
        return process

    async def _end(self, process: Process) -> None:
        self._all.discard(process)
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        if process.stdin is not None:
            process.stdin.close()


@contextlib.asynccontextmanager
async def _within(seconds: float, what: str) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise CheckFailed(f"{what} took longer than {seconds:g} s.") from None


async def _readiness(process: Process) -> None:
    assert process.stdout is not None
    await process.stdout.readexactly(1)


async def _exchange(process: Process, raw: bytes, fallback: str) -> dict[str, Any]:
    assert process.stdin is not None
    assert process.stdout is not None
    name = fallback.encode("ascii")
    process.stdin.writelines(
        (len(name).to_bytes(_SIZE, "big"), len(raw).to_bytes(_SIZE, "big"), name, raw)
    )
    await process.stdin.drain()
    length = int.from_bytes(await process.stdout.readexactly(_SIZE), "big")
    document: dict[str, Any] = json.loads(await process.stdout.readexactly(length))
    return document


def _read(document: dict[str, Any]) -> Checked:
    if fault := document.get("fault"):
        raise CheckFailed(f"A fault of the server in checking the structure: {fault}.")
    return checked_of(document)


def _environment() -> dict[str, str]:
    """No more than Python needs: what reads messages of others has no use for our secrets."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL") if name in os.environ}
    return {**kept, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
