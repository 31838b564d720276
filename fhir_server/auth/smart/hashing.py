"""Opaque values are stored as SHA-256: they are 256 random bits, so a slow hash adds nothing."""

from __future__ import annotations

import base64
import hashlib
import re

_VERIFIER = re.compile(r"[A-Za-z0-9\-._~]{43,128}")
_CHALLENGE = re.compile(r"[A-Za-z0-9\-_]{43}")


def hashed(value: str) -> str:
    """The SHA-256 in hexadecimal, as a token is stored."""
    return hashlib.sha256(value.encode()).hexdigest()


def is_challenge(value: str) -> bool:
    """Whether it can be an S256 code challenge. RFC 7636 4.2."""
    return _CHALLENGE.fullmatch(value) is not None


def answers(verifier: str, challenge: str) -> bool:
    """Whether the verifier is the one of the challenge. RFC 7636 4.6, S256 alone."""
    if not _VERIFIER.fullmatch(verifier):
        return False
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == challenge
