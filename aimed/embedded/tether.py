"""Ties a program's life to its parent's, then becomes that program.

Run as a file: `python -I -S tether.py PARENT_PID PROGRAM ARGUMENT...`. On Linux the kernel sends
SIGTERM when the parent dies, even of SIGKILL, so no database keeps its lock without a supervisor.
Elsewhere the next start finds what is left by its process id. Source: prctl(2), PR_SET_PDEATHSIG.

Imports nothing of ours and little of Python's: it runs before each child, in 10 ms.
"""

from __future__ import annotations

import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(parent: int, command: list[str]) -> None:
    """Ask for the signal and replace this process by `command`."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        # The parent may have died before the kernel was asked.
        if os.getppid() != parent:
            sys.exit(0)
    os.execv(command[0], command)  # noqa: S606  no shell is wanted


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
