"""Whether a server read less than it was sent.

Ollama, and servers built like it, cut a prompt that is longer than their context without a word:
the middle of the visit is missing, and the note looks whole. What gives them away is the count of
tokens that they report.
"""

from __future__ import annotations

_LONGEST_TOKEN = 6
"""Letters that a token has on average at most. English has about four, JSON fewer."""
_BLOCK = 1024
"""Contexts are set in multiples of this, and a cut prompt fills its context to the last token."""


def was_cut(characters: int, read: int | None) -> bool:
    """Whether `read` tokens cannot be, or hardly are, all of so many characters.

    A whole prompt has a count of whole blocks once in a thousand times; what is then asked in
    halves costs a request and loses nothing. Zero is what servers say that do not count.
    """
    if not read:
        return False
    full = read >= 2 * _BLOCK and read % _BLOCK == 0
    return full or read < characters // _LONGEST_TOKEN
