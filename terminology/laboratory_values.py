"""Results of the laboratory by name, in what is said and written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from terminology.dataset import dataset


def results_named(text: str) -> Iterator[tuple[str, int, int]]:
    """Each name of a result in `text`, in lower case, with its beginning and end, in order."""
    for found in _pattern().finditer(text):
        yield _names()[int(str(found.lastgroup)[1:])], found.start(), found.end()


@cache
def _names() -> list[str]:
    return list(dataset("laboratory_values")["names"])


@cache
def _pattern() -> re.Pattern[str]:
    spellings: dict[str, list[str]] = dataset("laboratory_values")["names"]
    each = [f"(?P<n{at}>{'|'.join(spellings[name])})" for at, name in enumerate(_names())]
    return re.compile(rf"\b(?:{'|'.join(each)})\b")
