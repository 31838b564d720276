"""Abbreviations of notes as they are spoken."""

from __future__ import annotations

import re
from functools import cache

from terminology.dataset import dataset


def spelled_out(text: str) -> str:
    """`text` in lower case with every abbreviation as the words it stands for."""
    text = text.lower()
    for pattern, spoken in _patterns():
        text = pattern.sub(spoken, text)
    return text


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    named: dict[str, list[str]] = dataset("abbreviations")["spoken"]
    return tuple(
        (re.compile(rf"(?<![a-z0-9])(?:{'|'.join(short)})(?![a-z0-9])"), spoken)
        for spoken, short in named.items()
    )
