"""What a test runs subcommands by."""

from __future__ import annotations

from typing import Protocol

import typer


class Run(Protocol):
    """Runs a subcommand and answers what it printed; `typed` is what it reads."""

    def __call__(self, *arguments: str, typed: str | None = None) -> str: ...


class RunOf(Protocol):
    """Makes a `Run` of a group of commands; `typed` is what they read when nothing else is said."""

    def __call__(self, group: typer.Typer, *, typed: str = "") -> Run: ...
