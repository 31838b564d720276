"""Prints the report as markdown: python -m tests.conformance.smart.report."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

from tests.conformance.smart.requirements import Requirement, marked, requirements


def figure(rows: Sequence[Requirement], tests: Mapping[int, list[str]]) -> str:
    """How many rows have a test."""
    tested = sum(row.number in tests for row in rows)
    outside = sum(bool(row.not_applicable) for row in rows)
    return f"server SHALL {tested}/{len(rows)} ({outside} not applicable)"


def page(rows: Sequence[Requirement], tests: Mapping[int, list[str]]) -> str:
    """The whole report."""
    lines = [
        "# SMART App Launch 2.2.0: requirements on the server",
        "",
        figure(rows, tests),
        "",
        "| number | verb | requirement | tests, or why there is none |",
        "|---|---|---|---|",
    ]
    for row in rows:
        named = ", ".join(f"`{name}`" for name in tests.get(row.number, []))
        why = named or f"not applicable: {row.not_applicable}"
        lines.append(f"| [{row.number}]({row.url}) | {row.verb} | {row.text} | {why} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(page(requirements(), marked()))
