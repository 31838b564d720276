"""The login that a new installation starts with, told once and kept as a hash."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class FirstLogin:
    """A generated account. The password exists here and in the file of `save`, nowhere else."""

    username: str
    password: str = field(repr=False)

    def save(self, file: Path) -> None:
        """Write it for the owner's eyes only."""
        file.unlink(missing_ok=True)
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as out:
            out.write(f"username: {self.username}\npassword: {self.password}\n")

    @classmethod
    def load(cls, file: Path) -> FirstLogin:
        """Read it back. Raises `OSError`, or `ValueError` when the file was edited."""
        lines = dict(line.split(": ", 1) for line in file.read_text("utf-8").splitlines())
        try:
            return cls(lines["username"], lines["password"])
        except KeyError:
            raise ValueError(f"{file} holds no login") from None
