"""What a password must be. OWASP ASVS 5.0 V6.2, NIST SP 800-63B-4 3.1.1.

Length and what attackers try first decide; there are no rules about kinds of characters, any
character is allowed, and nothing is cut off.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from functools import cache
from importlib import resources
from itertools import pairwise

from fhir_server.errors import InvalidParameter

SHORTEST = 12
"""Characters. NIST asks for 15 where a password stands alone and 8 beside a second factor; failed
sign-ins slow down to four an hour, so what is guessed online has few tries."""

LONGEST = 256
_DISTINCT = 5
_WORD = 4
_OWN = ("aimed", "ai med", "password", "clinic", "hospital", "welcome")
_PADDING = "0123456789!@#$%^&*()-_=+.,?/ "


class WeakPassword(InvalidParameter):
    """The password is too easy to guess; the text says why, without the password."""


def require_strong(password: str, *, about: Iterable[str] = ()) -> None:
    """Raise `WeakPassword` unless the password may be used. `about` is what people know of its
    owner: user name, name, address.
    """
    if len(password) < SHORTEST:
        raise WeakPassword(f"A password has at least {SHORTEST} characters.")
    if len(password) > LONGEST:
        raise WeakPassword(f"A password has at most {LONGEST} characters.")
    folded = password.casefold()
    if len(set(folded)) < _DISTINCT or _is_run(folded):
        raise WeakPassword("This password is a simple pattern. Take a few unrelated words.")
    if _is_common(folded):
        raise WeakPassword("This password is one that many people use. Take another.")
    if _mostly(folded, [*_words(about), *_OWN]):
        raise WeakPassword("This password is made of your name or of this system's. Take another.")


def _is_run(text: str) -> bool:
    """Whether it repeats one piece, or goes up or down step by step."""
    steps = {ord(b) - ord(a) for a, b in pairwise(text)}
    if len(steps) == 1:
        return True
    return any(
        text == (text[:size] * len(text))[: len(text)] for size in range(1, len(text) // 2 + 1)
    )


def _is_common(text: str) -> bool:
    """Whether it is a common one, by itself or with digits and signs before or behind."""
    body = len(text.rstrip(_PADDING))
    head = len(text) - len(text.lstrip(_PADDING))
    ends = {text[:stop] for stop in range(body, len(text) + 1)}
    starts = {text[start:] for start in range(head + 1)}
    return not common_passwords().isdisjoint({*ends, *starts, text.strip(_PADDING)})


def _mostly(text: str, words: list[str]) -> bool:
    """Whether without these words and the padding there is too little left to guess."""
    rest = text
    for word in sorted(words, key=len, reverse=True):
        rest = rest.replace(word, "")
    return rest != text and len(rest.strip(_PADDING)) < SHORTEST // 2


def _words(about: Iterable[str]) -> list[str]:
    parts = [part for one in about for part in one.casefold().replace("@", " ").split()]
    return [part for part in parts if len(part) >= _WORD]


@cache
def common_passwords() -> frozenset[str]:
    """The shipped list; data/README.md says where it comes from."""
    found = resources.files("fhir_server.auth.identity").joinpath("data", "common_passwords.txt.gz")
    return frozenset(gzip.decompress(found.read_bytes()).decode().split("\n"))
