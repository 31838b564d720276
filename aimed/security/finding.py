"""One thing that was looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warning", "fault"]


@dataclass(frozen=True)
class Finding:
    """`about` is the part in a word or two; `text` says how it stands, and what to do unless ok."""

    level: Level
    about: str
    text: str


def judged(right: bool, about: str, good: str, bad: str, *, level: Level = "fault") -> Finding:
    """`good` when it is right, otherwise `bad` at `level`."""
    return Finding("ok", about, good) if right else Finding(level, about, bad)
