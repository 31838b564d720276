"""The invariants of FHIR R4: rules in FHIRPath that stand beside an element's definition."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal, cast

from fhir_server.definitions.elements import load


@dataclass(frozen=True)
class Invariant:
    """One rule, `pat-1` say. `expression` is FHIRPath on the element that it stands at."""

    key: str
    severity: Literal["error", "warning"]
    human: str
    expression: str


@cache
def invariants() -> Mapping[str, tuple[Invariant, ...]]:
    """The rules by path: a type (`Patient`, `DomainResource`) or an element (`Patient.contact`).

    A type's rules hold wherever the type is used, those of `DomainResource` on every resource but
    Bundle, Binary and Parameters. `ele-1` is left out: the structure check is it.
    """
    return {
        path: tuple(
            Invariant(key, cast(Literal["error", "warning"], severity), human, expression)
            for key, severity, human, expression in rules
        )
        for path, rules in load("invariants.json.gz").items()
    }
