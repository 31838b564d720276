r"""Escape sequences, decoded and written.

`\F\ \S\ \T\ \R\ \E\ \P\` are the separators, `\Xhh..\` bytes in the message's character set,
`\.br\ \.sp n\ \.sk n\ \.ce\` layout, `\H\ \N\` highlighting, `\Cxxyy\ \Mxxyyzz\` a change of
character set. What is not known, `\Zdd\` and whatever is not closed stays as it is written.

Source: HL7 v2.8.2 chapter 2, 2.7 (use of escape sequences in text fields).
"""

from __future__ import annotations

import re
from binascii import unhexlify
from functools import lru_cache

from integrations.hl7v2.message.charsets import table
from integrations.hl7v2.message.delimiters import Delimiters

_LINES = re.compile(rb"\.(sp|sk) ?\+?(\d{0,3})$")
_WITHOUT_TEXT = re.compile(rb"(?:H|N|\.fi|\.nf|\.in ?[+-]?\d{0,3}|\.ti ?[+-]?\d{0,3})$")
_HEX = re.compile(rb"X((?:[0-9A-Fa-f]{2})+)$")
_SWITCH = re.compile(rb"(?:C[0-9A-Fa-f]{4}|M[0-9A-Fa-f]{4}(?:[0-9A-Fa-f]{2})?)$")
Switch = tuple[str, bytes]
"""A codec, and what goes before the bytes so that it knows the set they are in."""


def decode(raw: bytes, delimiters: Delimiters, codec: str, hex_codec: str, fallback: str) -> str:
    r"""The text of `raw`, read in `codec`; `\Xhh\` gives bytes of `hex_codec`. Never raises."""
    if not delimiters.escape or delimiters.escape not in raw:
        return _text(raw, codec, fallback)
    runs: list[tuple[Switch, bytearray]] = [((codec, b""), bytearray())]
    pieces = raw.split(delimiters.escape)
    runs[0][1].extend(pieces[0])
    at, last = 1, len(pieces) - 1
    while at <= last:
        code = pieces[at]
        switch = _switch(code) if at < last else None
        found = _meaning(code, delimiters) if at < last and not switch else None
        if switch:
            runs.append((switch, bytearray()))
        elif found is None:
            # Not an escape sequence: the character stands for itself, and may open the next one.
            runs[-1][1].extend(delimiters.escape + code)
            at += 1
            continue
        elif hex_codec != codec and code.startswith(b"X"):
            runs[-1][1].extend(_text(found, hex_codec, fallback).encode(codec, "replace"))
        else:
            runs[-1][1].extend(found)
        runs[-1][1].extend(pieces[at + 1])
        at += 2
    return "".join(_text(before + run, one, fallback) for (one, before), run in runs if run)


def _text(raw: bytes, codec: str, fallback: str) -> str:
    try:
        return raw.decode(codec)
    except UnicodeError:
        return raw.decode(fallback, "replace")


def _switch(code: bytes) -> Switch | None:
    if code[:1] not in (b"C", b"M") or not _SWITCH.match(code):
        return None
    row = table()["designations"].get(code.decode("ascii").upper())
    return (row[0], bytes.fromhex(row[1])) if row else None


@lru_cache(maxsize=4096)
def _meaning(code: bytes, delimiters: Delimiters) -> bytes | None:
    """The bytes that an escape code stands for, None for one without a known meaning."""
    separators = {
        b"F": delimiters.field,
        b"S": delimiters.component,
        b"R": delimiters.repetition,
        b"T": delimiters.subcomponent,
        b"E": delimiters.escape,
        b"P": delimiters.truncation or None,
        b".br": b"\n",
        b".ce": b"\n",
    }
    if code in separators:
        return separators[code]
    if hexadecimal := _HEX.match(code):
        return unhexlify(hexadecimal[1])
    if lines := _LINES.match(code):
        return (b"\n" if lines[1] == b"sp" else b" ") * int(lines[2] or 1)
    return b"" if _WITHOUT_TEXT.match(code) else None


def encode(text: str, delimiters: Delimiters) -> str:
    """`text` with separators, line ends and control characters escaped; decodes to the same."""
    if text == '""':
        return _hexadecimal(text, delimiters)
    return text.translate(_translation(delimiters))


def _hexadecimal(text: str, delimiters: Delimiters) -> str:
    mark = delimiters.escape.decode("latin-1")
    return f"{mark}X{text.encode('ascii').hex().upper()}{mark}"


@lru_cache(maxsize=64)
def _translation(delimiters: Delimiters) -> dict[int, str]:
    mark = delimiters.escape.decode("latin-1")
    codes = {chr(i): _hexadecimal(chr(i), delimiters) for i in range(32) if chr(i) != "\t"}
    codes |= {"\n": f"{mark}.br{mark}"}
    if delimiters.truncation:
        codes[delimiters.truncation.decode("latin-1")] = f"{mark}P{mark}"
    codes |= {
        delimiters.field.decode("latin-1"): f"{mark}F{mark}",
        delimiters.component.decode("latin-1"): f"{mark}S{mark}",
        delimiters.repetition.decode("latin-1"): f"{mark}R{mark}",
        delimiters.subcomponent.decode("latin-1"): f"{mark}T{mark}",
        mark: f"{mark}E{mark}",
    }
    return {ord(one): code for one, code in codes.items()}
