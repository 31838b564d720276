"""Which character set the bytes of a message are in, by what MSH-18 says and what they are.

A declared set that the bytes do not fit, an unknown name, and bytes over 127 without a declaration
fall back, and `Charset.fallback` says why: a message is never refused for its characters.

Source: HL7 v2.8.2 chapter 2, MSH-18 and table 0211; names and misspellings in data/charsets.json.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

_ESC = b"\x1b"
_WIDE = ("utf_16", "utf_32")
_UNKNOWN = "MSH-18 names a character set that is not in table 0211"
_NOT_WIDE = "MSH-18 names UTF-16 or UTF-32, and the bytes are not in it"


@dataclass(frozen=True, slots=True)
class Charset:
    """`declared` are the repetitions of MSH-18, `used` is the name of a Python codec.

    `fallback` is the reason for which another set than the declared one is used, or None.
    """

    declared: tuple[str, ...]
    used: str
    fallback: str | None = None


@cache
def table() -> dict[str, Any]:
    """data/charsets.json: names, misspellings, sets to transcode, escape designations."""
    text = files("integrations.hl7v2.message").joinpath("data/charsets.json").read_text("utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


@cache
def _names() -> dict[str, str]:
    named = {**table()["misspelt"], **table()["names"]}
    return {_folded(name): codec for name, codec in named.items()}


def _folded(name: str) -> str:
    return "".join(one for one in name.upper() if one.isalnum())


@lru_cache(maxsize=256)
def codec_of(name: str) -> str | None:
    """The Python codec of a name of table 0211 or a usual misspelling of one."""
    return _names().get(_folded(name))


def declared_name(codec: str) -> str:
    """The name of table 0211 to write into MSH-18 for this codec. Raises KeyError."""
    names: dict[str, str] = table()["names"]
    return next(name for name, one in names.items() if one == codec and name != "UNICODE")


@cache
def needs_transcoding(codec: str) -> bool:
    """Whether a byte of a character in this set may look like a separator."""
    return codec in table()["transcoded"]


def by_form(raw: bytes) -> str | None:
    """The UTF-16 or UTF-32 codec that the first bytes show, None for sets that contain ASCII."""
    if raw[:4] in (b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff"):
        return "utf_32"
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf_16"
    if raw[:8] == b"M\x00\x00\x00S\x00\x00\x00":
        return "utf_32_le"
    if raw[:8] == b"\x00\x00\x00M\x00\x00\x00S":
        return "utf_32_be"
    return {b"M\x00S\x00": "utf_16_le", b"\x00M\x00S": "utf_16_be"}.get(raw[:4])


def choose(body: bytes, declared: tuple[str, ...], fallback: str) -> Charset:
    """The set to read `body` in."""
    codecs = [codec_of(name) for name in declared if name]
    # A body in which MSH could be read byte by byte is in none of the wide forms.
    wide = any(one and one.startswith(_WIDE) for one in codecs)
    codecs = [one for one in codecs if not (one and one.startswith(_WIDE))]
    if body.isascii() and _ESC not in body:
        unknown = next((n for n in declared if n and codec_of(n) is None), None)
        why = _NOT_WIDE if wide else _UNKNOWN if unknown else None
        return Charset(declared, (codecs[0] if codecs else None) or "ascii", why)
    for codec in _in_order(codecs, body):
        if fits(body, codec):
            return Charset(declared, codec)
    return _fallen_back(body, declared, codecs, fallback)


def _in_order(codecs: list[str | None], body: bytes) -> list[str]:
    known = [one for one in codecs if one]
    if _ESC in body:
        # ISO 2022: the set is switched inside the text, whichever is declared first.
        known.sort(key=lambda codec: not codec.startswith("iso2022"))
    return known


def fits(body: bytes, codec: str) -> bool:
    """Whether all of `body` can be read in this set."""
    try:
        body.decode(codec)
    except (UnicodeError, LookupError):
        return False
    return True


def _fallen_back(
    body: bytes, declared: tuple[str, ...], codecs: list[str | None], fallback: str
) -> Charset:
    if not any(declared):
        why = "bytes over 127 and no MSH-18"
    elif None in codecs:
        why = _UNKNOWN
    else:
        why = "the bytes do not fit the character set of MSH-18"
    used = "utf_8" if fits(body, "utf_8") else fallback
    return Charset(declared, used, f"{why}; read as {used}")
