"""FHIR primitives as those of HL7 v2.5.1 chapter 2A; precision and zone stay as they are."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any

_MOMENT = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(\.\d{1,4})?\d*)?(Z|[+-]\d\d:\d\d)?)?)?)?"
)
_BLOCKS = {"p", "div", "br", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "table", "ul", "ol"}
_SPACE = re.compile(r"[ \t\r\n]+")


def timestamp(value: str) -> str:
    """A date, dateTime or instant as DTM: `2026-01` is `202601`. Not one: empty."""
    match = _MOMENT.fullmatch(value)
    if match is None:
        return ""
    *digits, fraction, zone = match.groups()
    written = "".join(one for one in digits if one) + (fraction or "")
    return written + ("+0000" if zone == "Z" else (zone or "").replace(":", ""))


def date(value: str) -> str:
    """The date in a date, dateTime or instant, as DT."""
    return timestamp(value[:10])


def time(value: str) -> str:
    """A time as TM."""
    return value[:8].replace(":", "")


def number(value: Any) -> str:
    """A number as NM, its digits as they are; never with an exponent."""
    if isinstance(value, Decimal):
        return format(value, "f")
    return str(value)


def line(value: Any) -> str:
    """One line of text, as ST and its kind have it."""
    if isinstance(value, bool):
        return "Y" if value else "N"
    if isinstance(value, Decimal):
        return number(value)
    return _SPACE.sub(" ", str(value)).strip()


def lines(value: Any) -> str:
    """Text of several lines, as FT has it."""
    return str(value).strip("\r\n")


def narrative(value: str) -> str:
    """The text of a narrative's XHTML, a line for each block."""
    reader = _Text()
    reader.feed(value)
    reader.close()
    found = "".join(reader.pieces).split("\n")
    return "\n".join(one for one in (_SPACE.sub(" ", line).strip() for line in found) if one)


def encoded(value: str) -> str:
    """The UTF-8 bytes of a text in base64."""
    return base64.b64encode(value.encode()).decode("ascii")


PRIMITIVES: Mapping[str, Callable[[Any], str]] = {
    **dict.fromkeys(("ST", "ID", "IS", "SI"), line),
    **dict.fromkeys(("FT", "TX"), lines),
    **dict.fromkeys(("DTM", "TS"), timestamp),
    "DT": date,
    "TM": time,
    "NM": number,
    "XHTML": narrative,
    "BASE64": encoded,
}
"""By the type that a mapping names; XHTML and BASE64 are ours."""


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A block begins a line; cells of a row are kept apart."""
        if tag in _BLOCKS:
            self.pieces.append("\n")
        elif tag in ("td", "th"):
            self.pieces.append(" ")

    def handle_endtag(self, tag: str) -> None:
        """A block ends a line."""
        if tag in _BLOCKS:
            self.pieces.append("\n")

    def handle_data(self, data: str) -> None:
        """White space of the source is a space."""
        self.pieces.append(_SPACE.sub(" ", data))
