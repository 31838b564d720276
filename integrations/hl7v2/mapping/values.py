"""A repetition as nested lists of decoded texts, which is what data types are read from.

`Parts[0]` is component 1, `Parts[0][0]` its subcomponent 1. `""`, the order to delete, is an empty
text inside a field: FHIR has no way to say it of a part of a value.
"""

from __future__ import annotations

from functools import lru_cache

from integrations.hl7v2.message.elements import Reading

Parts = list[list[str]]

_NULL = '""'
_SHORT = 48


def component(parts: Parts, number: int) -> str:
    """The text of component `number` (1-based), its first subcomponent; "" when absent."""
    return parts[number - 1][0] if len(parts) >= number else ""


def whole(parts: Parts, number: int = 1) -> str:
    """All of a component: an `&` that nobody escaped in a text belongs to the text."""
    return "&".join(parts[number - 1]) if len(parts) >= number else ""


def subcomponent(parts: Parts, number: int, sub: int) -> str:
    """The text of subcomponent `sub` of component `number`; "" when absent."""
    if len(parts) < number:
        return ""
    held = parts[number - 1]
    return held[sub - 1] if len(held) >= sub else ""


def nested(parts: Parts, number: int) -> Parts:
    """Component `number` as a value of its own: its subcomponents become components."""
    return [[text] for text in parts[number - 1]] if len(parts) >= number else []


def filled(parts: Parts) -> bool:
    """Whether there is any text in it."""
    for held in parts:
        for text in held:
            if text:
                return True
    return False


def plain_text(raw: bytes, reading: Reading) -> str | None:
    """`raw` as text when it is ASCII without escapes, which most segments are; else None."""
    marks = reading.delimiters
    if not raw.isascii() or (marks.escape and marks.escape in raw) or b"\x1b" in raw:
        return None
    return raw.decode("ascii")


def parts_of_text(text: str, component_mark: str, subcomponent_mark: str) -> Parts:
    """The parts of a repetition that needs no decoding, none when it holds separators alone.

    Nobody changes parts: those of short texts, which are codes and units for the most, are shared.
    """
    if len(text) <= _SHORT:
        return _remembered(text, component_mark, subcomponent_mark)
    parts = _split(text, component_mark, subcomponent_mark)
    return parts if filled(parts) else []


@lru_cache(maxsize=8192)
def _remembered(text: str, component_mark: str, subcomponent_mark: str) -> Parts:
    parts = _split(text, component_mark, subcomponent_mark)
    return parts if filled(parts) else []


def _split(text: str, component_mark: str, subcomponent_mark: str) -> Parts:
    if not text.isprintable():
        text = _printable(text)
    if subcomponent_mark in text or '""' in text:
        return [
            [_plain(sub) for sub in one.split(subcomponent_mark)]
            for one in text.split(component_mark)
        ]
    if component_mark in text:
        return [[one.strip()] for one in text.split(component_mark)]
    return [[text.strip()]]


def parts_of(raw: bytes, reading: Reading) -> Parts:
    """The components and subcomponents of the repetition `raw`, escapes decoded."""
    marks = reading.delimiters
    return [
        [_plain(reading.decode(sub)) for sub in one.split(marks.subcomponent)]
        for one in raw.split(marks.component)
    ]


def _plain(text: str) -> str:
    if not text.isprintable():
        text = _printable(text)
    return "" if text == _NULL else text.strip()


# FHIR strings hold no control characters but tab and line ends (2.24.0.1).
_CONTROL = {n: None for n in range(32) if n not in (9, 10, 13)} | {127: None}


def _printable(text: str) -> str:
    return text.translate(_CONTROL).encode("utf-8", "replace").decode("utf-8")
