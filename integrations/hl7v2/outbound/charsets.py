"""Text in a destination's character set. HL7 v2.5.1 2.15.9.18; data/likenesses.json."""

from __future__ import annotations

import json
import unicodedata
from functools import cache
from importlib.resources import files

from integrations.hl7v2.message.charsets import codec_of


def codec(charset: str) -> str | None:
    """Python's codec for a name of table 0211; None for unknown ones and for UTF-16 and UTF-32."""
    found = codec_of(charset)
    return found if found is not None and "A".encode(found) == b"A" else None


def writable(text: str, codec: str) -> tuple[str, int]:
    """The text with a likeness or `?` for what the codec has not, and how many that were."""
    try:
        text.encode(codec)
    except UnicodeEncodeError:
        pieces = [_likeness(one, codec) for one in text]
        return "".join(pieces), sum(old != new for old, new in zip(text, pieces, strict=True))
    return text, 0


def _likeness(character: str, codec: str) -> str:
    plain = _table().get(character, character)
    for form in (plain, unicodedata.normalize("NFKD", plain)):
        kept = form.encode(codec, "ignore").decode(codec)
        if kept:
            return kept
    return "?"


@cache
def _table() -> dict[str, str]:
    text = files("integrations.hl7v2.outbound").joinpath("data/likenesses.json").read_text("utf-8")
    table: dict[str, str] = json.loads(text)["likenesses"]
    return table
