"""The parser: lazy, byte-exact, tolerant.

`parse` looks at the first bytes only. Segments are split when they are asked for, fields when a
segment is asked, text is decoded when text is wanted. Nothing in a message but the lack of MSH
raises; what is odd stays readable as bytes.

Source: HL7 v2.8.2 chapter 2, 2.5 (message construction rules).
"""

from __future__ import annotations

import re
from functools import lru_cache

from integrations.hl7v2.message import charsets, delimiters, escapes
from integrations.hl7v2.message.charsets import Charset
from integrations.hl7v2.message.delimiters import Delimiters
from integrations.hl7v2.message.header import Header, read_header
from integrations.hl7v2.message.segment import Segment

_TRANSCODED = "utf_8"


class Message:
    """One message. `raw` are its bytes as they came."""

    __slots__ = (
        "_body", "_charset", "_codec", "_fallback", "_header", "_ready", "_segments",
        "delimiters", "raw",
    )  # fmt: skip

    def __init__(self, raw: bytes, body: bytes, marks: Delimiters, fallback: str) -> None:
        self.raw = raw
        self.delimiters = marks
        self._body = body
        self._fallback = fallback
        self._charset: Charset | None = None
        self._codec = ""
        self._ready = False
        self._header: Header | None = None
        self._segments: tuple[Segment, ...] | None = None

    @property
    def charset(self) -> Charset:
        """The character set that is declared and the one that is used."""
        if self._charset is None:
            self._charset = self._chosen()
        return self._charset

    @property
    def segments(self) -> tuple[Segment, ...]:
        """All segments in their order, unknown ones and Z-segments in their place."""
        if self._segments is None:
            self._prepare()
            lines = _lines(self._body, self.delimiters.field)
            self._segments = tuple(Segment(one, at, self) for at, one in enumerate(lines))
        return self._segments

    @property
    def header(self) -> Header:
        """What MSH says."""
        if self._header is None:
            self._header = read_header(self.segments[0])
        return self._header

    def all(self, segment_id: str) -> tuple[Segment, ...]:
        """The segments of this id, in order."""
        start = segment_id.encode("latin-1", "replace")
        return tuple(one for one in self.segments if one.raw[:3] == start)

    def first(self, segment_id: str) -> Segment | None:
        """The first segment of this id."""
        start = segment_id.encode("latin-1", "replace")
        return next((one for one in self.segments if one.raw[:3] == start), None)

    def decode(self, raw: bytes) -> str:
        """The text of an element of this message, escapes decoded."""
        if self.delimiters.escape not in raw and raw.isascii() and b"\x1b" not in raw:
            return raw.decode("ascii")
        used = self.charset.used
        return escapes.decode(raw, self.delimiters, self._codec or used, used, self._fallback)

    def to_wire(self, body: bytes) -> bytes:
        """Bytes made of elements of this message, as its sender writes them."""
        self._prepare()
        return body.decode(self._codec).encode(self.charset.used) if self._codec else body

    def _prepare(self) -> None:
        """Bring a body whose characters may contain separator bytes into one where none does."""
        if self._ready:
            return
        self._ready = True
        if self._body.isascii() and b"\x1b" not in self._body:
            return
        used = self.charset.used
        if not self._codec and charsets.needs_transcoding(used) and charsets.fits(self._body, used):
            self._body = self._body.decode(used).encode(_TRANSCODED, "surrogatepass")
            self._codec = _TRANSCODED

    def _chosen(self) -> Charset:
        first = _first_line(self._body)
        declared = _declared(first, self.delimiters)
        if not first.isascii() and not any(charsets.codec_of(one) for one in declared):
            declared = self._declared_behind_characters(first) or declared
        return charsets.choose(self._body, declared, self._fallback)

    def _declared_behind_characters(self, first: bytes) -> tuple[str, ...]:
        """MSH-18 where characters before it contain separator bytes: a set that names itself."""
        for codec in charsets.table()["transcoded"]:
            readable = first.decode(codec, "replace").encode(_TRANSCODED, "replace")
            declared = _declared(readable, self.delimiters)
            if codec in [charsets.codec_of(one) for one in declared]:
                return declared
        return ()

    @classmethod
    def wide(cls, raw: bytes, codec: str, fallback: str) -> Message:
        """A message in UTF-16 or UTF-32. Raises `NotHl7`."""
        body = raw.decode(codec, "replace").lstrip("\ufeff").encode(_TRANSCODED, "replace")
        body = body[delimiters.header_start(body) :]
        message = cls(raw, body, delimiters.of_message(body), fallback)
        declared = _declared(_first_line(body), message.delimiters)
        message._charset = Charset(declared, codec, None)
        message._codec = _TRANSCODED
        message._ready = True
        return message

    def __repr__(self) -> str:
        return f"<Message of {len(self.raw)} bytes>"


def parse(raw: bytes, *, fallback: str = "cp1252") -> Message:
    """Read a message. Raises `NotHl7` when there is no MSH to read, nothing else.

    `fallback` is the codec for bytes that neither MSH-18 nor UTF-8 explains.
    """
    if raw[:3] != b"MSH":
        codec = charsets.by_form(raw)
        if codec:
            return Message.wide(raw, codec, fallback)
        start = delimiters.header_start(raw)
        body = raw[start:] if start else raw
    else:
        body = raw
    return Message(raw, body, delimiters.of_message(body), fallback)


def _first_line(body: bytes) -> bytes:
    return body.partition(b"\r")[0].partition(b"\n")[0]


def _declared(msh: bytes, marks: Delimiters) -> tuple[str, ...]:
    names = _nth_field(msh, marks.field, 18).split(marks.repetition)
    declared = tuple(one.decode("ascii", "replace").strip() for one in names)
    return declared if any(declared) else ()


def _nth_field(msh: bytes, mark: bytes, number: int) -> bytes:
    fields = msh.split(mark, number)
    # MSH-1 is the separator itself, so MSH-n is the n-1st of the split.
    return fields[number - 1] if len(fields) >= number else b""


def _lines(body: bytes, mark: bytes) -> list[bytes]:
    if b"\n" in body:
        body = body.replace(b"\r\n", b"\r")
        if b"\r" in body:
            # In a message with CR ends a LF is text unless a segment begins after it.
            body = _segment_after_line_feed(mark).sub(b"\r", body)
        else:
            body = body.replace(b"\n", b"\r")
    return [line for line in body.split(b"\r") if line and not line.isspace()]


@lru_cache(maxsize=64)
def _segment_after_line_feed(mark: bytes) -> re.Pattern[bytes]:
    return re.compile(rb"\n(?=\n|$|[A-Z][A-Z0-9]{2}(?:" + re.escape(mark) + rb"|[\r\n]|$))")
