"""The separators of a message, as its own first bytes declare them.

Source: HL7 v2.8.2 chapter 2, 2.5.4 (message delimiters) and 2.14.9.1-2 (MSH-1, MSH-2).
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

STANDARD = b"^~\\&"
_WITHOUT_ESCAPE = b"^~&"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_BEFORE = b"\x00\x0b \t\r\n"


class NotHl7(ValueError):
    """There is no MSH segment to read. The text holds nothing of the content."""


class Delimiters(NamedTuple):
    """One byte each. `escape` and `truncation` are empty in a message that has none."""

    field: bytes = b"|"
    component: bytes = b"^"
    repetition: bytes = b"~"
    escape: bytes = b"\\"
    subcomponent: bytes = b"&"
    truncation: bytes = b""

    @property
    def encoding(self) -> bytes:
        """MSH-2."""
        return self.component + self.repetition + self.escape + self.subcomponent + self.truncation


@lru_cache(maxsize=256)
def declared(field: bytes, encoding: bytes) -> Delimiters:
    """The separators that MSH-1 and MSH-2 name; what MSH-2 leaves out is the usual one."""
    if encoding == _WITHOUT_ESCAPE:
        return Delimiters(field, b"^", b"~", b"", b"&")
    if len(encoding) == 5 and encoding[2] == encoding[3]:
        # A backslash doubled by a program that took it for an escape of its own language.
        encoding = encoding[:3] + encoding[4:]
    component, repetition, escape, subcomponent = (
        encoding[i : i + 1] or STANDARD[i : i + 1] for i in range(4)
    )
    return Delimiters(field, component, repetition, escape, subcomponent, encoding[4:5])


def header_start(raw: bytes) -> int:
    """Where `MSH` begins: after a byte order mark, blanks, line ends and framing bytes."""
    start = len(_BYTE_ORDER_MARK) if raw.startswith(_BYTE_ORDER_MARK) else 0
    end = len(raw)
    while start < end and raw[start] in _BEFORE:
        start += 1
    return start


def of_message(body: bytes, start: int = 0) -> Delimiters:
    """The separators of the message whose MSH begins at `start`. Raises `NotHl7`."""
    if body[start : start + 3] != b"MSH":
        raise NotHl7("The message does not begin with an MSH segment.")
    field = body[start + 3 : start + 4]
    if not field or field.isalnum() or field in b"\r\n":
        raise NotHl7("The MSH segment names no field separator (MSH-1).")
    # Six bytes are enough for the longest MSH-2 there is, and keep a wrong one from being long.
    encoding = body[start + 4 : start + 10].partition(field)[0]
    return declared(field, encoding.splitlines()[0] if encoding.strip() else b"")
