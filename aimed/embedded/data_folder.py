"""The folder with everything of one stack: data, logs, addresses, and who is using it."""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType

from aimed.embedded.errors import StackError


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
        self.children = self.path / "children.json"
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


def _is_locked(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    return False
