"""The demo on the terminal: a progress bar and the consultation as it is understood."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.text import Text

from aimed.demo.watcher import Arrival

_STYLE = {"doctor": "cyan", "patient": "green", "unknown": "white"}
_MARK = {"high": ("!!", "bold red"), "moderate": ("! ", "yellow"), "low": ("· ", "blue")}


class Screen:
    """Prints finals, alerts and note versions above a progress bar of the audio."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed:.0f} of {task.total:.0f} s"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
        )
        self._task: TaskID | None = None

    def begin(self, title: str, seconds: float, address: str) -> None:
        """Show the title, where to watch, and the bar."""
        self._console.print(f"\n[bold]{title}[/bold]\nWatch it live at {address}\n")
        self._task = self._progress.add_task("listening", total=seconds)
        self._progress.start()

    def heard(self, position: float) -> None:
        """Move the bar to `position` seconds."""
        if self._task is not None:
            self._progress.update(self._task, completed=position)

    def event(self, arrival: Arrival) -> None:
        """Print what a person would want to see."""
        data = arrival.data
        if arrival.type == "transcript.final":
            self._line(f"{data['role']:>8}  {data['text'].strip()}", _STYLE[data["role"]])
        elif arrival.type == "alert.raised":
            mark, style = _MARK[data["severity"]]
            self._line(f"{mark:>8}  {data['title']}: {data['detail']}", style)
        elif arrival.type == "note.updated" and self._task is not None:
            count = sum(len(section["sentences"]) for section in data["sections"])
            self._progress.update(self._task, description=f"listening · note: {count} sentences")
        elif arrival.type == "session.stopping" and self._task is not None:
            self._progress.update(self._task, description="writing the final note")

    def end(self) -> None:
        """Take the bar away."""
        self._progress.stop()

    def _line(self, text: str, style: str) -> None:
        # Text, not markup: what people say may hold brackets.
        self._progress.console.print(Text(text, style=style))
