"""Folding of strings: case, accents and white space do not count. FHIR R4 3.1.1.4.8."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator

KEY_LIMIT = 400
"""Characters of a key kept readable; MongoDB indexes keys of any length, but large ones cost."""

CHUNK, CHUNK_STEP = 300, 150
"""A text longer than a key is kept in overlapping pieces, so that any 150 characters are in one."""

_WORD = re.compile(r"[^\W_]+")


def fold(text: str) -> str:
    """`text` in lower case without accents, runs of white space as one space."""
    # Decomposed on both sides of the case folding: a mathematical bold A becomes a plain capital
    # only by decomposition, and folding a capital may bring new accents.
    if text.isascii():
        return " ".join(text.lower().split())
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    plain = "".join(character for character in folded if not unicodedata.combining(character))
    return " ".join(plain.split())


BEYOND = "\U0010ffff"
"""Sorts after every text: the end of the range of keys with one beginning."""


def words(text: str) -> Iterator[str]:
    """The words of a text: folded runs of letters and digits."""
    return (match[0] for match in _WORD.finditer(fold(text)))


def key(text: str) -> str:
    """`text` as an index key: itself, or its beginning and a hash when it is very long."""
    if len(text) <= KEY_LIMIT:
        return text
    return text[:KEY_LIMIT] + "#" + hashlib.sha256(text.encode()).hexdigest()[:32]
