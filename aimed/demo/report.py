"""The demo's summary."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from aimed.demo.latency import percentile
from aimed.demo.run import Result

FIRST_PARTIAL_LIMIT = 2.0
ALERT_LIMIT = 5.0


def passed(result: Result, *, timed: bool) -> bool:
    """Whether everything held; with `timed` the latency promises too.

    They are made for intelligible speech at the speed people talk: mumbling has no words to show
    until it is over, and what is played faster is heard late by who is busy with what came before.
    """
    return all(check.holds for check in result.checks) and not (timed and slow(result))


def slow(result: Result) -> list[str]:
    """The latency promises that were not kept."""
    first, alerts = result.latencies.first_partial, result.latencies.alerts
    late = []
    if first is not None and first > FIRST_PARTIAL_LIMIT:
        late.append(f"first partial after {first:.1f} s, limit {FIRST_PARTIAL_LIMIT:.0f} s")
    if alerts and max(alerts) > ALERT_LIMIT:
        late.append(f"slowest alert after {max(alerts):.1f} s, limit {ALERT_LIMIT:.0f} s")
    return late


def show(result: Result, console: Console) -> None:
    """Print the note, the figures and every check."""
    _show_note(result, console)
    _show_figures(result, console)
    for check in result.checks:
        mark = "[green]ok  [/green]" if check.holds else "[bold red]FAIL[/bold red]"
        console.print(f"  {mark} {check.says}")
    for text in slow(result):
        console.print(f"  [bold red]SLOW[/bold red] {text}")


def _show_note(result: Result, console: Console) -> None:
    if result.evidence.composition is None:
        console.print(f"\n[yellow]{result.message or 'No note.'}[/yellow]")
        return
    console.print("\n[bold]The note[/bold]")
    sections = result.evidence.composition.get("section", [])
    by_text = dict(result.evidence.sentences)
    for section in sections:
        console.print(f"  [underline]{section['title']}[/underline]")
        for extension in section.get("extension", []):
            text = next(p["valueString"] for p in extension["extension"] if p["url"] == "text")
            evidence = " ".join(by_text.get(text, ()))
            console.print(f"    {text} [dim]{evidence}[/dim]", highlight=False)


def _show_figures(result: Result, console: Console) -> None:
    table = Table(show_header=False, box=None, padding=(0, 2))
    sentences = result.evidence.sentences
    linked = sum(1 for _, evidence in sentences if evidence)
    table.add_row("segments", str(result.segments))
    table.add_row("note sentences", f"{len(sentences)}, {linked} with evidence")
    table.add_row("alerts", ", ".join(str(alert["title"]) for alert in result.alerts) or "none")
    table.add_row(
        "resources", ", ".join(f"{count} {type}" for type, count in result.counts.items() if count)
    )
    for name, value in _latency_rows(result):
        table.add_row(name, value)
    console.print("\n[bold]What happened[/bold]")
    console.print(table)
    console.print()


def _latency_rows(result: Result) -> list[tuple[str, str]]:
    latencies = result.latencies
    rows = []
    if latencies.first_partial is not None:
        rows.append(
            ("first words on screen", f"{latencies.first_partial:.2f} s after speech began")
        )
    if latencies.finals:
        p50, p95 = percentile(latencies.finals, 0.5), percentile(latencies.finals, 0.95)
        rows.append(("final segment", f"p50 {p50:.2f} s, p95 {p95:.2f} s after its words"))
    if latencies.alerts:
        rows.append(("alert", f"{max(latencies.alerts):.2f} s after its words, at the slowest"))
    rows.append(("final note", f"{result.closing_seconds:.2f} s after the end"))
    return rows
