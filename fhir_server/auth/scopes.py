"""SMART App Launch 2.2 resource scopes: `user/Observation.rs`, `system/*.cruds`.

A scope with a query part (`?category=...`) is not granted by anything here and therefore permits
nothing: to ignore the part would permit too much.
"""

from __future__ import annotations

import re
from functools import lru_cache

_SCOPE = re.compile(r"(patient|user|system)/(\*|[A-Z][A-Za-z]+)\.(c?r?u?d?s?)")

LETTER = {
    "read": "r",
    "vread": "r",
    "history-instance": "r",
    "history-type": "r",
    "history-system": "r",
    "create": "c",
    "update": "u",
    "patch": "u",
    "delete": "d",
    "search-type": "s",
    "search-system": "s",
}
"""The scope letter of each interaction. History counts as reading, as SMART 2.2 lists it."""


def permits(scope: str, type: str, letter: str) -> bool:
    """Whether the space-separated `scope` allows the interaction `letter` on `type`."""
    return any(letter in letters and name in ("*", type) for _, name, letters in _parse(scope))


@lru_cache(maxsize=1024)
def _parse(scope: str) -> tuple[tuple[str, str, str], ...]:
    matches = (_SCOPE.fullmatch(part) for part in scope.split())
    return tuple((m[1], m[2], m[3]) for m in matches if m)
