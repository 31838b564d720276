"""Children whose supervisor was killed: found again by the next start on the same data folder."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

_PATIENCE = 5.0
"""Seconds until SIGKILL. SecantusDB takes 2 s to go on SIGTERM."""


def remember(file: Path, pids: Sequence[int]) -> None:
    """Write down which processes run here."""
    new = file.with_suffix(".new")
    new.write_text(json.dumps(list(pids)), encoding="utf-8")
    new.replace(file)  # whole or not at all, whenever we are killed


def end_orphans(file: Path, folder: Path) -> int:
    """Stop the processes of `file` that still work in `folder`; returns how many there were.

    Blocks until they are gone. The caller holds the folder's lock.
    """
    left = [pid for pid in _remembered(file) if _works_in(pid, folder)]
    _signal(left, signal.SIGTERM)
    give_up = time.monotonic() + _PATIENCE
    while any(_works_in(pid, folder) for pid in left):
        if time.monotonic() > give_up:
            _signal(left, signal.SIGKILL)
        time.sleep(0.05)
    return len(left)


def _remembered(file: Path) -> list[int]:
    try:
        return [int(pid) for pid in json.loads(file.read_text(encoding="utf-8"))]
    except (OSError, ValueError):
        return []


def _works_in(pid: int, folder: Path) -> bool:
    # The id may belong to a stranger by now: ours have the folder as their working directory and
    # name it in their command.
    if sys.platform != "linux":
        return str(folder) in _command(pid)
    process = Path("/proc") / str(pid)
    try:
        ended = process.joinpath("stat").read_text().rpartition(")")[2].split()[0] == "Z"
        return not ended and Path(os.readlink(process / "cwd")).is_relative_to(folder)
    except OSError:
        return False


def _command(pid: int) -> str:
    shown = subprocess.run(  # noqa: S603  a fixed program and a number
        ["/bin/ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return shown.stdout


def _signal(pids: Sequence[int], number: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue
