"""Keeps children running: notices a death, says so, restarts with back-off."""

from __future__ import annotations

import asyncio
import signal
from collections import deque
from collections.abc import Callable, Sequence

from aimed.embedded.child import Child, Program
from aimed.embedded.errors import StackError

_DEATHS = 5
_WINDOW_SECONDS = 60.0
"""More than `_DEATHS` deaths within the window are a fault that restarting does not mend."""


class Supervisor:
    """Starts programs in order and keeps them alive. `say` takes sentences for the terminal.

    `changed` is told the ids of all running processes whenever they change.
    """

    def __init__(
        self, *, say: Callable[[str], None], changed: Callable[[Sequence[int]], None]
    ) -> None:
        self._say = say
        self._changed = changed
        self._children: dict[str, Child] = {}
        self._watching: dict[str, asyncio.Task[None]] = {}

    async def start(self, program: Program) -> None:
        """Start it, wait until it answers, and watch it from then on. Raises `StackError`."""
        child = self._spawn(program)
        if not await child.ready():
            raise StackError(_not_ready(child))
        self._watching[program.name] = asyncio.create_task(self._watch(child))

    def pid(self, name: str) -> int:
        """The process id of a program now."""
        return self._children[name].pid

    def kill(self, name: str) -> None:
        """End a program as a crash would."""
        self._children[name].kill()

    async def failed(self) -> None:
        """Return never; raise `StackError` when a program does not stay alive."""
        done, _ = await asyncio.wait(self._watching.values(), return_when=asyncio.FIRST_EXCEPTION)
        for task in done:
            task.result()

    async def stop(self, names: Sequence[str]) -> None:
        """Stop some programs at once, those that run."""
        children = [self._children.pop(name) for name in names if name in self._children]
        tasks = [self._watching.pop(name) for name in names if name in self._watching]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*(child.stop() for child in children))

    def _spawn(self, program: Program) -> Child:
        try:
            child = Child(program)
        except OSError as error:
            raise StackError(f"{program.name} cannot be started: {error.strerror}.") from None
        self._children[program.name] = child
        self._changed([child.pid for child in self._children.values()])
        return child

    async def _watch(self, child: Child) -> None:
        program, clock = child.program, asyncio.get_running_loop().time
        deaths: deque[float] = deque(maxlen=_DEATHS + 1)
        while True:
            await child.ended()
            deaths.append(clock())
            if len(deaths) > _DEATHS and deaths[-1] - deaths[0] < _WINDOW_SECONDS:
                raise StackError(
                    f"{program.name} stopped {len(deaths)} times within a minute: "
                    f"see {program.log}."
                )
            recent = sum(1 for at in deaths if deaths[-1] - at < _WINDOW_SECONDS)
            wait = 0.25 * 2 ** (recent - 1)
            self._say(f"{program.name} {_how(child)}: restarting it.")
            await asyncio.sleep(wait)
            child = self._spawn(program)


def _how(child: Child) -> str:
    code = child.exit_code or 0
    if code < 0:
        return f"was ended by {signal.Signals(-code).name}"
    return f"stopped with exit code {code}"


def _not_ready(child: Child) -> str:
    program = child.program
    if child.exit_code is None:
        waited = f"{program.ready_seconds:.0f} s"
        return f"{program.name} does not answer after {waited}: see {program.log}."
    return f"{program.name} {_how(child)} while starting: see {program.log}."
