"""Folding of strings: case, accents and white space do not count. FHIR R4 3.1.1.4.8."""

from __future__ import annotations

import hashlib
import unicodedata

KEY_LIMIT = 400
"""Characters of a key kept readable; MongoDB indexes keys of any length, but large ones cost."""


def fold(text: str) -> str:
    """`text` in lower case without accents, runs of white space as one space."""
    # Decomposed on both sides of the case folding: a mathematical bold A becomes a plain capital
    # only by decomposition, and folding a capital may bring new accents.
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    plain = "".join(character for character in folded if not unicodedata.combining(character))
    return " ".join(plain.split())


def key(text: str) -> str:
    """`text` as an index key: itself, or its beginning and a hash when it is very long."""
    if len(text) <= KEY_LIMIT:
        return text
    return text[:KEY_LIMIT] + "#" + hashlib.sha256(text.encode()).hexdigest()[:32]
