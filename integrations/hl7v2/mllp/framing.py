"""Takes a stream of bytes apart into messages: `<VT> message <FS><CR>`.

What real senders do is taken as they mean it: several frames in one packet or one in many, noise
and NULs between frames, FS without CR, FS inside the data, and a new frame begun while the last
one was not ended (`<VT>MSH`), which is then no message.

Source: HL7 v2.8.2 transport specification MLLP release 1, "block format".
"""

from __future__ import annotations

import re
from dataclasses import dataclass

VT, FS, CR, LF = 0x0B, 0x1C, 0x0D, 0x0A
HEAD = 4096
"""Bytes kept of a message that is too large: enough to find its MSH-10."""

_MARKS = re.compile(rb"[\x0b\x1c]")
_BETWEEN = b"\r\n\x00 \t"
_START = b"MSH"


@dataclass(frozen=True, slots=True)
class Frame:
    """A whole message."""

    payload: bytes


@dataclass(frozen=True, slots=True)
class Oversize:
    """A message larger than the limit; `head` is how it begins."""

    head: bytes
    size: int


@dataclass(frozen=True, slots=True)
class Discarded:
    """Bytes that belong to no message, or to one that was never ended."""

    size: int


Event = Frame | Oversize | Discarded


def framed(message: bytes) -> bytes:
    """A message as it goes onto the wire. Raises `ValueError` when it could not be told apart."""
    if b"\x1c\r" in message or b"\x0bMSH" in message or message.endswith(b"\x1c"):
        raise ValueError("the message holds bytes that end or begin a frame")
    return b"\x0b" + message + b"\x1c\r"


class Deframer:
    """Feed it what comes. Its work is linear in the bytes, however they are cut."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._buffer = bytearray()
        self._scanned = 0
        self._head = b""
        self._dropped = 0
        self.inside = False
        """A frame has begun and not ended."""

    @property
    def undecided(self) -> bool:
        """The last byte is FS: the end of a frame unless its data go on."""
        return self.inside and len(self._buffer) == self._scanned + 1 and self._buffer[-1] == FS

    @property
    def size(self) -> int:
        """Bytes of the frame that has begun."""
        return self._dropped + len(self._buffer) if self.inside else 0

    @property
    def head(self) -> bytes:
        """How the frame begins that has begun."""
        return self._head or bytes(self._buffer[:HEAD])

    def feed(self, data: bytes) -> list[Event]:
        """What became complete with these bytes."""
        self._buffer += data
        found: list[Event] = []
        while self._inside(found) if self.inside else self._outside(found):
            pass
        return found

    def end_undecided(self) -> list[Event]:
        """Nothing came after FS: the sender leaves out CR and waits for its answer."""
        if not self.undecided:
            return []
        found: list[Event] = []
        self._end(found, self._scanned, 1)
        return found

    def _outside(self, found: list[Event]) -> bool:
        at = self._buffer.find(VT)
        noise = (self._buffer if at < 0 else self._buffer[:at]).translate(None, _BETWEEN)
        if noise:
            found.append(Discarded(len(noise)))
        if at < 0:
            self._buffer.clear()
            return False
        del self._buffer[: at + 1]
        self._begin()
        return True

    def _begin(self) -> None:
        self.inside = True
        self._scanned = self._dropped = 0
        self._head = b""

    def _inside(self, found: list[Event]) -> bool:
        mark = _MARKS.search(self._buffer, self._scanned)
        if mark is None:
            self._scanned = len(self._buffer)
            self._bound()
            return False
        at = mark.start()
        after = bytes(self._buffer[at + 1 : at + 4])
        self._scanned = at
        if self._buffer[at] == VT:
            return self._nested(found, at, after)
        if not after:
            self._bound()
            return False
        if after[0] in (CR, LF):
            self._end(found, at, 2)
        elif after[0] == VT:
            self._end(found, at, 1)
        else:
            self._scanned = at + 1
        return True

    def _nested(self, found: list[Event], at: int, after: bytes) -> bool:
        if after == _START:
            if size := self._dropped + at:
                found.append(Discarded(size))
            del self._buffer[: at + 1]
            self._begin()
        elif _START.startswith(after):
            self._bound()
            return False
        else:
            self._scanned = at + 1
        return True

    def _end(self, found: list[Event], at: int, mark: int) -> None:
        size = self._dropped + at
        if size > self._limit:
            found.append(Oversize(self.head, size))
        else:
            found.append(Frame(bytes(self._buffer[:at])))
        del self._buffer[: at + mark]
        self.inside = False

    def _bound(self) -> None:
        """Keep no more of a message that is too large than its head."""
        if self._dropped or self._scanned > self._limit:
            self._head = self.head
            self._dropped += self._scanned
            del self._buffer[: self._scanned]
            self._scanned = 0
