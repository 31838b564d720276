"""One subprocess: started, watched, asked to stop, killed if it does not."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from aimed.embedded import tether


@dataclass(frozen=True)
class Program:
    """What to run. `command[0]` is an absolute path; `answers` says whether it is of use yet."""

    name: str
    command: tuple[str, ...]
    folder: Path
    log: Path
    answers: Callable[[], Awaitable[bool]]
    environment: Mapping[str, str] = field(repr=False)
    ready_seconds: float = 30.0
    stop_seconds: float = 4.0


class Child:
    """A running `Program`. Made in a thread that lives as long as the child: see `tether`."""

    def __init__(self, program: Program) -> None:
        """Start it. Its own session keeps a terminal's Ctrl-C for the supervisor alone."""
        self.program = program
        with program.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603  the command is ours
                [sys.executable, "-I", "-S", tether.__file__, str(os.getpid()), *program.command],
                cwd=program.folder,
                env=dict(program.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The process id; the same before and after the tether becomes the program."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative for the signal that ended it."""
        return self._process.poll()

    async def ready(self) -> bool:
        """Wait until it answers. False when it died or took longer than it may."""
        loop = asyncio.get_running_loop()
        give_up = loop.time() + self.program.ready_seconds
        while self.exit_code is None and loop.time() < give_up:
            if await self.program.answers():
                return True
            await asyncio.sleep(0.05)
        return False

    async def ended(self) -> None:
        """Return once it has ended, a fifth of a second later at most."""
        # Polled, because asyncio's own child watcher of Python 3.11 needs a thread per child.
        while self.exit_code is None:  # noqa: ASYNC110
            await asyncio.sleep(0.2)

    async def stop(self) -> None:
        """SIGTERM, and SIGKILL when that has no effect in the program's time."""
        self._signal(signal.SIGTERM)
        give_up = asyncio.get_running_loop().time() + self.program.stop_seconds
        while self.exit_code is None:
            if asyncio.get_running_loop().time() > give_up:
                self._signal(signal.SIGKILL)
            await asyncio.sleep(0.05)

    def kill(self) -> None:
        """SIGKILL: what a crash looks like."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        if self.exit_code is None:
            self._process.send_signal(number)
