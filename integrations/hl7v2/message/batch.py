"""Batch files: FHS, BHS, messages, BTS, FTS. A file of messages alone is read too.

Messages are given as they stand in the file, byte for byte, so that each is stored like one that
came over the wire. What stands before the first message or between batches and is no header is
reported, never dropped in silence.

Source: HL7 v2.8.2 chapter 2, 2.10.3 (batch protocol), 2.14.2-3 (BHS, BTS), 2.14.6-7 (FHS, FTS).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice, pairwise

from integrations.hl7v2.message import delimiters
from integrations.hl7v2.message.delimiters import NotHl7
from integrations.hl7v2.message.parser import parse

_STARTS = re.compile(rb"(?:^|(?<=[\r\n\x0b\x1c]))(?=(?:MSH|FHS|BHS|BTS|FTS)[^A-Za-z0-9\r\n])")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_FRAMING = b"\x0b\x1c\x00"


@dataclass
class Batch:
    """The messages between one BHS and its BTS, or those outside of any batch."""

    header: bytes = b""
    trailer: bytes = b""
    messages: list[bytes] = field(default_factory=list)

    @property
    def declared(self) -> int | None:
        """BTS-1, the count that the sender gives."""
        return _count(self.trailer)

    @property
    def control_id(self) -> str:
        """BHS-11."""
        return _header_text(self.header, 11)


@dataclass
class BatchFile:
    """What one file holds. `stray` are pieces that belong to no message."""

    header: bytes = b""
    trailer: bytes = b""
    batches: list[Batch] = field(default_factory=list)
    stray: list[bytes] = field(default_factory=list)

    @property
    def messages(self) -> Iterator[bytes]:
        """All messages in their order."""
        for batch in self.batches:
            yield from batch.messages

    @property
    def problems(self) -> tuple[str, ...]:
        """What does not add up, without content."""
        found = []
        for number, batch in enumerate(self.batches, 1):
            if batch.declared is not None and batch.declared != len(batch.messages):
                found.append(
                    f"Batch {number} says {batch.declared} messages (BTS-1) "
                    f"and has {len(batch.messages)}."
                )
            if batch.header and not batch.trailer:
                found.append(f"Batch {number} has no BTS: the file may be cut short.")
        with_header = sum(1 for one in self.batches if one.header)
        declared = _count(self.trailer)
        if declared is not None and declared != with_header:
            found.append(f"The file says {declared} batches (FTS-1) and has {with_header}.")
        if self.header and not self.trailer:
            found.append("The file has no FTS: it may be cut short.")
        if self.stray:
            found.append(f"{len(self.stray)} pieces belong to no message.")
        return tuple(found)


def is_batch(raw: bytes) -> bool:
    """Whether these bytes are a batch file rather than one message."""
    start = delimiters.header_start(raw)
    if raw[start : start + 3] in (b"FHS", b"BHS"):
        return True
    starts = _STARTS.finditer(raw[start:])
    return sum(1 for _ in islice(starts, 2)) > 1


def read_batch(raw: bytes) -> BatchFile:
    """Split a file. Never raises; one without any message has none."""
    found = BatchFile()
    raw = raw.removeprefix(_BYTE_ORDER_MARK)
    starts = [one.start() for one in _STARTS.finditer(raw)]
    before = raw[: starts[0] if starts else len(raw)]
    if before.strip(_FRAMING + b" \t\r\n"):
        found.stray.append(before)
    batch = Batch()
    for start, end in pairwise([*starts, len(raw)]):
        piece = raw[start:end]
        kind = piece[:3]
        if kind in (b"FHS", b"FTS"):
            _keep_file_segment(found, piece)
        elif kind == b"BHS":
            batch = Batch(header=piece)
            found.batches.append(batch)
        elif kind == b"BTS":
            batch.trailer = piece
            _keep(found, batch)
            batch = Batch()
        else:
            batch.messages.append(_without_framing(piece))
            _keep(found, batch)
    return found


def _keep_file_segment(found: BatchFile, piece: bytes) -> None:
    if piece[:3] == b"FHS" and not found.header:
        found.header = piece
    elif piece[:3] == b"FTS" and not found.trailer:
        found.trailer = piece
    else:
        found.stray.append(piece)


def _without_framing(piece: bytes) -> bytes:
    # A file copied from the wire has FS CR between its messages.
    message = piece.rstrip(_FRAMING + b"\r\n")
    return message + b"\r" if b"\x1c" in piece[len(message) :] else piece


def _keep(found: BatchFile, batch: Batch) -> None:
    if not found.batches or found.batches[-1] is not batch:
        found.batches.append(batch)


def _count(trailer: bytes) -> int | None:
    text = re.match(rb"(?:BTS|FTS)[^A-Za-z0-9](\d{1,9})", trailer)
    return int(text[1]) if text else None


def _header_text(header: bytes, number: int) -> str:
    try:
        return parse(b"MSH" + header[3:]).segments[0].text(str(number))
    except NotHl7:
        return ""
