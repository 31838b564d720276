"""Finds what a document cites: tests by node id, files by path, headings of pages by anchor."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def fault(cited: str) -> str | None:
    """Why there is no such thing as `cited`, or None when there is.

    `cited` is `tests/a/test_b.py::test_c`, `docs/page.md#heading` or the path of a file, from the
    project's root.
    """
    path, _, test = cited.partition("::")
    path, _, anchor = path.partition("#")
    file = ROOT / path
    if not file.exists():
        return f"there is no {path}"
    if test and test not in tests_of(file):
        return f"there is no {test} in {path}"
    if anchor and anchor not in anchors_of(file):
        return f"there is no heading #{anchor} in {path}"
    return None


@cache
def tests_of(file: Path) -> frozenset[str]:
    """Names of the test functions of a module."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    body = ast.parse(file.read_text("utf-8")).body
    return frozenset(one.name for one in body if isinstance(one, kinds) and _is_test(one.name))


def _is_test(name: str) -> bool:
    return name.startswith("test_")


@cache
def anchors_of(file: Path) -> frozenset[str]:
    """The anchors that GitHub gives to the headings of a page."""
    heads = re.findall(r"^#+ (.+)$", file.read_text("utf-8"), re.M)
    return frozenset(re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in heads)


def cited_in(page: Path) -> list[str]:
    """Everything in a page's code marks that looks like a path of the project or a test."""
    marked = re.findall(r"`([^`\s]+)`", page.read_text("utf-8"))
    places = "aimed|smart_app|integrations|pipelines|fhir_server|terminology|tests|docs|deploy"
    return [one for one in marked if re.fullmatch(rf"(?:{places})/[\w\-./]+(?:::\w+)?", one)]
