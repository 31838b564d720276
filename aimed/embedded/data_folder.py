"""The folder with everything of one stack: data, logs, addresses, and who is using it."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType

from aimed.embedded.errors import StackError

_ORPHAN_SECONDS = 10.0
"""How long children of a killed supervisor may take to go; SecantusDB takes 2 s on SIGTERM."""


@dataclass(frozen=True)
class Addresses:
    """Where a running stack is reached. Embedded servers listen on loopback only."""

    http: str
    mongo: str
    redis: str


class DataFolder:
    """A data folder, held by one process while it is used as a context manager.

    The lock is the kernel's (flock): it ends with the process that holds it, however that dies, so
    a file left behind never blocks a start.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self.logs = self.path / "log"
        self.mongo = self.path / "mongo"
        self.redis = self.path / "redis"
        self.first_login = self.path / "first-login.txt"
        self._lock: int | None = None

    def __enter__(self) -> DataFolder:
        """Make the folders and take the lock. Raises `StackError`."""
        try:
            for folder in (self.path, self.logs, self.mongo, self.redis):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise StackError(
                f"The data folder {self.path} cannot be written ({error.strerror}): "
                "choose another with --data."
            ) from None
        self._take()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let go."""
        if self._lock is not None:
            (self.path / "addresses.json").unlink(missing_ok=True)
            os.close(self._lock)
            self._lock = None

    def end_orphans(self) -> list[int]:
        """Stop what a killed supervisor left running here; returns the process ids."""
        left = [pid for pid in self._children() if self._is_ours(pid)]
        for pid in left:
            _signal(pid, signal.SIGTERM)
        give_up = time.monotonic() + _ORPHAN_SECONDS
        while any(self._is_ours(pid) for pid in left):
            if time.monotonic() > give_up:
                for pid in left:
                    _signal(pid, signal.SIGKILL)
            time.sleep(0.05)
        return left

    def note_children(self, pids: list[int]) -> None:
        """Write down what runs, for `end_orphans` of the next start."""
        (self.path / "children.json").write_text(json.dumps(pids), encoding="utf-8")

    def publish(self, addresses: Addresses) -> None:
        """Let other commands on this folder find the running stack."""
        file = self.path / "addresses.json"
        file.write_text(json.dumps(asdict(addresses)), encoding="utf-8")
        file.chmod(0o600)

    def running(self) -> Addresses | None:
        """The addresses of the stack that holds this folder, None when none does."""
        try:
            found = json.loads((self.path / "addresses.json").read_text(encoding="utf-8"))
            with (self.path / "lock").open("rb") as lock:
                return Addresses(**found) if _is_locked(lock.fileno()) else None
        except (OSError, ValueError, TypeError):
            return None

    def _take(self) -> None:
        assert self._lock is not None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.pread(self._lock, 20, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(self._lock)
            self._lock = None
            raise StackError(
                f"Another aimed (process {holder}) is running on the data folder {self.path}: "
                "stop it, or choose another folder with --data."
            ) from None
        os.ftruncate(self._lock, 0)
        os.pwrite(self._lock, str(os.getpid()).encode("ascii"), 0)

    def _children(self) -> list[int]:
        try:
            found = json.loads((self.path / "children.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return []
        return [int(pid) for pid in found]

    def _is_ours(self, pid: int) -> bool:
        # A process id may have been given to a stranger since; our children name the folder, in
        # their command (databases) or as their working directory.
        process = Path("/proc") / str(pid)
        try:
            if not process.parent.joinpath("self").exists():
                return _exists(pid)
            if (process / "stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return False
            return (process / "cwd").resolve().is_relative_to(self.path)
        except OSError:
            return False


def _is_locked(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    return False


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
