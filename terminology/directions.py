"""Words that say which way something goes: more or less, better or worse."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from terminology.dataset import dataset


def opposed(told: Iterable[str], other: Iterable[str]) -> str | None:
    """A word of `told` whose way is the opposite of all that `other` says, if there is one."""
    mine, theirs = list(told), set(other)
    for one, opposite in _pairs():
        for way, against in ((one, opposite), (opposite, one)):
            said = next((word for word in mine if word in way), None)
            mixed = any(word in against for word in mine) or theirs & way
            if said and not mixed and theirs & against:
                return said
    return None


@cache
def _pairs() -> tuple[tuple[frozenset[str], frozenset[str]], ...]:
    pairs = dataset("directions")["pairs"]
    return tuple((frozenset(one.split()), frozenset(other.split())) for one, other in pairs)
