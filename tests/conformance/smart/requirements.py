"""The requirements, and which tests carry the number of one.

A test says `@pytest.mark.requirement(31, 94)`; the numbers are read from the source of the tests,
so that the report needs no run.
"""

from __future__ import annotations

import ast
import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_HERE = Path(__file__).parent
_GUIDE = "https://hl7.org/fhir/smart-app-launch/STU2.2"


@dataclass(frozen=True)
class Requirement:
    """One row. `not_applicable` is the reason for having no test, or empty."""

    number: int
    verb: str
    url: str
    text: str
    not_applicable: str


def requirements() -> list[Requirement]:
    """All rows, by number."""
    with (_HERE / "data" / "requirements.csv").open(encoding="utf-8", newline="") as file:
        return [
            Requirement(
                int(row["number"]),
                row["verb"],
                f"{_GUIDE}/{row['page']}#{row['anchor']}",
                row["requirement"],
                row["not_applicable"],
            )
            for row in csv.DictReader(file)
        ]


def marked() -> dict[int, list[str]]:
    """The tests of each number, as `file::function`."""
    found: dict[int, list[str]] = {}
    for path in sorted(_HERE.glob("test_*.py")):
        for name, number in _marks(ast.parse(path.read_text("utf-8"))):
            found.setdefault(number, []).append(f"{path.name}::{name}")
    return found


def _marks(module: ast.Module) -> Iterator[tuple[str, int]]:
    for function in module.body:
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for mark in function.decorator_list:
            if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.requirement":
                for argument in mark.args:
                    yield function.name, int(ast.literal_eval(argument))
