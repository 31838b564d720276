"""The checklist of ASVS 5.0: reads docs/asvs.csv and makes docs/asvs.md.

python -m tests.compliance.asvs
"""

from __future__ import annotations

import csv
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from tests.compliance.citations import ROOT

TABLE = ROOT / "docs" / "asvs.csv"
PAGE = ROOT / "docs" / "asvs.md"
LEVELS = ROOT / "tests" / "compliance" / "data" / "asvs-5.0.0-levels.csv"
STATUSES = ("met", "operator", "not applicable", "open")
CHAPTERS = {
    "V1": "Encoding and sanitisation", "V2": "Validation and business logic", "V3": "Web pages",
    "V4": "API and WebSockets", "V5": "Files", "V6": "Signing in", "V7": "Sessions",
    "V8": "Authorisation", "V9": "Signed tokens", "V10": "OAuth and OpenID Connect",
    "V11": "Cryptography", "V12": "Connections", "V13": "Configuration",
    "V14": "Protection of data", "V15": "Code and packages", "V16": "Logs and errors",
    "V17": "WebRTC",
}  # fmt: skip
_HEAD = """# ASVS 5.0 checklist

Every requirement of the OWASP Application Security Verification Standard 5.0.0 of level 1 and 2,
and those of level 3 on OAuth, in our own short words; the number finds the full text in the
[standard](https://github.com/OWASP/ASVS/tree/v5.0.0/5.0/en). It is our own judgement and no audit.

- **met**: the code does it and the tests named show it. Of what has to be written down, the page is
  named.
- **operator**: it depends on how the server is run; the
  [checklist](security.md#checklist-for-operators) says what to do.
- **not applicable**: there is no such thing here, for the reason given.
- **open**: it is not met, or only in part, for the reason given.

This page is made from [asvs.csv](asvs.csv) by `python -m tests.compliance.asvs`.
`tests/compliance/test_asvs.py` fails when a row of the standard is missing or when a test that is
named does not exist.

"""


@dataclass(frozen=True)
class Row:
    """A requirement and how it stands. `evidence` is tests, files and headings of pages."""

    id: str
    level: str
    about: str
    status: str
    evidence: tuple[str, ...]
    reason: str

    @property
    def chapter(self) -> str:
        """Such as V6."""
        return self.id.partition(".")[0]

    @property
    def tests(self) -> tuple[str, ...]:
        """The tests among the evidence."""
        return tuple(one for one in self.evidence if "::" in one)


def rows(file: Path = TABLE) -> list[Row]:
    """The checklist, in the order of the file."""
    with file.open(encoding="utf-8", newline="") as opened:
        return [
            Row(**{**one, "evidence": tuple(one["evidence"].split())})
            for one in csv.DictReader(opened)
        ]


def levels(file: Path = LEVELS) -> dict[str, str]:
    """The level of every requirement of the standard by its number."""
    with file.open(encoding="utf-8", newline="") as opened:
        return {one["id"]: one["level"] for one in csv.DictReader(opened)}


def page(found: list[Row]) -> str:
    """docs/asvs.md."""
    return _HEAD + _figures(found) + "".join(_chapters(found))


def _figures(found: list[Row]) -> str:
    lines = ["| | " + " | ".join(STATUSES) + " | all |", "|---|" + "---|" * 5]
    for level in ("1", "2", "3"):
        count = Counter(one.status for one in found if one.level == level)
        told = " | ".join(str(count[status]) for status in STATUSES)
        lines.append(f"| level {level} | {told} | {count.total()} |")
    return "\n".join(lines) + "\n"


def _chapters(found: Iterable[Row]) -> Iterator[str]:
    for chapter, members in groupby(found, lambda one: one.chapter):
        yield f"\n## {chapter} {CHAPTERS[chapter]}\n\n| | L | what | status | shown by, or why |\n"
        yield "|---|---|---|---|---|\n"
        yield from (_line(one) for one in members)


def _line(row: Row) -> str:
    shown = [_link(one) for one in row.evidence]
    told = " ".join(filter(None, [row.reason, ", ".join(shown)]))
    return f"| {row.id} | {row.level} | {row.about} | {row.status} | {told} |\n"


def _link(cited: str) -> str:
    path, _, test = cited.partition("::")
    target = os.path.relpath(path, "docs")
    return f"[{test or path.removeprefix('docs/').partition('#')[0]}]({target})"


if __name__ == "__main__":
    PAGE.write_text(page(rows()), encoding="utf-8")
