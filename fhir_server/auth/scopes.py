"""SMART App Launch 2.2 scopes: `user/Observation.rs?category=vital-signs`, `patient/*.read`.

http://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html. Scopes of version 1 mean
`read` = rs, `write` = cud, `*` = cruds, and are kept as they were written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import parse_qsl

from fhir_server.definitions.elements import resource_types

LETTER = {
    "read": "r",
    "vread": "r",
    "history-instance": "r",
    "history-type": "s",
    "history-system": "s",
    "create": "c",
    "update": "u",
    "patch": "u",
    "delete": "d",
    "search-type": "s",
    "search-system": "s",
}
"""The scope letter of each interaction."""

_SCOPE = re.compile(
    r"(?P<level>patient|user|system)/(?P<type>\*|[A-Z][A-Za-z]{1,63})"
    r"\.(?P<action>read|write|\*|(?=[cruds])c?r?u?d?s?)(?:\?(?P<query>[^\s\"\\]+))?"
)
_VERSION_1 = {"read": "rs", "write": "cud", "*": "cruds"}


@dataclass(frozen=True)
class Grant:
    """One resource scope. `query` restricts it to instances that a search with it would find."""

    level: str
    type: str
    letters: str
    query: tuple[tuple[str, str], ...] = ()

    def concerns(self, type: str, letter: str) -> bool:
        """Whether it says anything about the interaction `letter` on `type`."""
        return letter in self.letters and self.type in ("*", type)

    def covers(self, other: Grant) -> bool:
        """Whether everything that `other` permits is permitted by this one alone."""
        return (
            self.level == other.level
            and self.type in ("*", other.type)
            and set(other.letters) <= set(self.letters)
            and set(self.query) <= set(other.query)
        )


@lru_cache(maxsize=1024)
def grant(scope: str) -> Grant | None:
    """The grant of one resource scope; None for another kind of scope and for what is malformed."""
    match = _SCOPE.fullmatch(scope)
    if match is None or (match["type"] != "*" and match["type"] not in resource_types()):
        return None
    if match["query"] and _VERSION_1.get(match["action"]):
        return None
    letters = _VERSION_1.get(match["action"], match["action"])
    return Grant(match["level"], match["type"], letters, _pairs(match["query"] or ""))


def _pairs(query: str) -> tuple[tuple[str, str], ...]:
    return tuple(parse_qsl(query, keep_blank_values=True))


@lru_cache(maxsize=1024)
def grants(scope: str) -> tuple[Grant, ...]:
    """The grants of a space-separated list; scopes of other kinds give none."""
    found = (grant(one) for one in scope.split())
    return tuple(dict.fromkeys(one for one in found if one is not None))


def permits(scope: str, type: str, letter: str) -> bool:
    """Whether the space-separated `scope` allows the interaction `letter` on some of `type`."""
    return any(one.concerns(type, letter) for one in grants(scope))


def is_within(asked: str, ceiling: Iterable[str]) -> bool:
    """Whether one scope is permitted by a list: named there, or covered by one that is."""
    listed = tuple(ceiling)
    if asked in listed:
        return True
    wanted = grant(asked)
    return wanted is not None and any(
        held.covers(wanted) for held in map(grant, listed) if held is not None
    )


def in_order(scopes: Iterable[str]) -> tuple[str, ...]:
    """Each scope once, in the order of first mention: clients repeat them."""
    return tuple(dict.fromkeys(scopes))
