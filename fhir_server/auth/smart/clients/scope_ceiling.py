"""Whether a scope stays below the most that a client may ever get. SMART App Launch 2.2 scopes."""

from __future__ import annotations

import re
from collections.abc import Iterable

_RESOURCE = re.compile(
    r"(?P<context>patient|user|system)/(?P<type>\*|[A-Z][A-Za-z]+)"
    r"\.(?=[a-z*])(?P<letters>c?r?u?d?s?|read|write|\*)(\?(?P<only>[!-~]+))?"
)
_VERSION_1 = {"read": "rs", "write": "cud", "*": "cruds"}


def within(scope: str, ceiling: Iterable[str]) -> bool:
    """Whether one of `ceiling` covers `scope`.

    Resource scopes by context, type and letters; others, as `openid`, only by themselves.
    """
    return any(_covers(upper, scope) for upper in ceiling)


def limited(scopes: Iterable[str], ceiling: Iterable[str]) -> tuple[str, ...]:
    """Those of `scopes` that are within, each once, in their order."""
    upper = tuple(ceiling)
    return tuple(scope for scope in dict.fromkeys(scopes) if within(scope, upper))


def _covers(upper: str, scope: str) -> bool:
    if upper == scope:
        return True
    above, below = _RESOURCE.fullmatch(upper), _RESOURCE.fullmatch(scope)
    if above is None or below is None or above["context"] != below["context"]:
        return False
    # A constraint that is not the same text is not known to be narrower.
    narrower = above["only"] is None or above["only"] == below["only"]
    typed = above["type"] in ("*", below["type"])
    return narrower and typed and _letters(below) <= _letters(above)


def _letters(scope: re.Match[str]) -> set[str]:
    return set(_VERSION_1.get(scope["letters"], scope["letters"]))
