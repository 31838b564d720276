"""A bar that counts messages, on standard error."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn


def message_progress() -> Progress:
    """It goes away at its end."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:.0f}/{task.total:.0f} messages"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
