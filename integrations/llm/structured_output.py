"""The model's answer as proposed sentences, tolerant of what stands around the JSON object."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.note.sections import SECTIONS

_THOUGHT = re.compile(r"(?:<think(?:ing)?>|\A).*?</think(?:ing)?>", re.DOTALL | re.IGNORECASE)
"""Templates of some models open the thought in the prompt, so that the answer only closes it."""
_ID = re.compile(r"\bs\d+\b", re.IGNORECASE)
_BULLET = re.compile(r"^[\s*\u2022\-]+(?=\S)")
_JOINERS = "\u200c\u200d"
_KEYS = {section.title.lower(): section.code for section in SECTIONS}
_ATTEMPTS = 50
"""Opening braces tried until one begins the note."""


@dataclass(frozen=True)
class Proposed:
    """A sentence as the model wrote it, with the ids it named."""

    text: str
    evidence: tuple[str, ...]


Proposal = Mapping[str, Sequence[Proposed]]
"""Sentences by section code."""


class NotANote(Exception):
    """The answer holds no object with a section of the note. Says nothing of its content."""


def parse(answer: str) -> Proposal:
    """The sentences of the first object that has a section. Raises `NotANote`."""
    for found in _objects(_THOUGHT.sub("", answer)):
        sections = _sections(found)
        if sections is not None:
            return {code: tuple(_sentences(listed)) for code, listed in sections.items()}
    raise NotANote


def _objects(text: str) -> Iterator[dict[str, Any]]:
    decoder, at = json.JSONDecoder(), text.find("{")
    for _ in range(_ATTEMPTS):
        if at < 0:
            return
        try:
            found, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            end, found = at + 1, None
        if isinstance(found, dict):
            yield found
        at = text.find("{", end)


def _sections(found: dict[str, Any]) -> dict[str, list[Any]] | None:
    """The four lists by section code; a note may lie one level down, under a key of its own."""
    for each in (found, *(value for value in found.values() if isinstance(value, dict))):
        named = {_KEYS[key.lower()]: value for key, value in each.items() if key.lower() in _KEYS}
        lists = {code: value or [] for code, value in named.items() if _is_list(value)}
        if lists and len(lists) == len(named):
            return lists
    return None


def _is_list(value: Any) -> bool:
    return value is None or isinstance(value, list)


def _sentences(listed: Sequence[Any]) -> Iterator[Proposed]:
    for each in listed:
        text = each.get("text") if isinstance(each, dict) else each
        if isinstance(text, str) and (clean := plain(text)):
            named = each.get("evidence") if isinstance(each, dict) else None
            yield Proposed(clean, _ids(named))


def _ids(named: Any) -> tuple[str, ...]:
    """Segment ids out of a list, or out of "[s1, s2]"; a bare number is taken as one."""
    items = named if isinstance(named, list) else [named]
    found: list[str] = []
    for item in items:
        if isinstance(item, str):
            found += [id.lower() for id in _ID.findall(item)]
        elif isinstance(item, int) and not isinstance(item, bool):
            found.append(f"s{item}")
    return tuple(dict.fromkeys(found))


def plain(text: str) -> str:
    """One line without bullets, control characters and invisible marks that reorder text."""
    normal = unicodedata.normalize("NFC", text)
    visible = "".join(_visible(character) for character in normal)
    return _BULLET.sub("", " ".join(visible.split()))


def _visible(character: str) -> str:
    if character.isspace():
        return " "
    if unicodedata.category(character)[0] == "C" and character not in _JOINERS:
        return ""
    return character
