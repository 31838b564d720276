"""What a reference parameter can point at on one type.

`clinical-patient` names Group and Patient as targets for thirty types together; on
AllergyIntolerance the element allows Patient only. Knowing that, `patient=1` is one key instead of
one per target, and an equality instead of a list is what every planner serves from the index.
"""

from __future__ import annotations

import re
from functools import cache

from fhir_server.definitions.elements import elements_of
from fhir_server.definitions.search_parameters import SearchParameter

_RESOLVED = re.compile(r"resolve\(\)\s+is\s+([A-Za-z]+)")
_PLAIN = re.compile(r"[A-Za-z]+(\.[A-Za-z]+)+")


@cache
def targets(parameter: SearchParameter, type: str) -> frozenset[str]:
    """The parameter's targets that its expression reaches on `type`; empty when any may be."""
    reachable: set[str] = set()
    for text in parameter.expression.split("|"):
        alternative = text.strip()
        if alternative.lstrip("(").partition(".")[0] != type:
            continue
        found = _alternative(alternative)
        if not found:
            return parameter.targets
        reachable |= found
    return (parameter.targets & reachable) or parameter.targets


def _alternative(text: str) -> frozenset[str]:
    resolved = _RESOLVED.search(text)
    if resolved is not None:
        return frozenset({resolved[1]})
    if not _PLAIN.fullmatch(text):
        return frozenset()
    path, *names = text.split(".")
    found: frozenset[str] = frozenset()
    for name in names:
        element = elements_of(path).get(name)
        if element is None or element.choice or len(element.types) > 1:
            return frozenset()
        path, found = element.types[0].removeprefix("@"), element.targets
    return found
