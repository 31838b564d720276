"""Which function makes a FHIR type of a v2 data type."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from integrations.hl7v2.mapping.context import Context
from integrations.hl7v2.mapping.values import Parts


@dataclass(frozen=True, slots=True)
class Use:
    """What the row says beyond the value: the code map and the codes that the target allows."""

    codes: str = ""
    allowed: frozenset[str] | None = None
    targets: frozenset[str] = frozenset()


Convert = Callable[[Parts, Context, Use], Any]
Typed = TypeVar("Typed", bound=Convert)


@dataclass(frozen=True, slots=True)
class Converter:
    """`components` are those that it reads; what stands in others is named in the report."""

    convert: Convert
    components: frozenset[int]


_CONVERTERS: dict[tuple[str, str], Converter] = {}

# Data types of older versions and the one whose components stand at the same places.
_SAME = {
    "CE": "CWE", "CNE": "CWE", "CF": "CWE", "IS": "CWE", "ID": "CWE",
    "TS": "DTM", "DT": "DTM",
    "TX": "ST", "FT": "ST", "SI": "ST", "SNM": "ST", "GTS": "ST",
    "PN": "XPN", "AD": "XAD", "SAD": "XAD", "TN": "XTN",
    "CN": "XCN", "CNN": "XCN", "CK": "CX", "PPN": "XCN",
    "FC": "CWE", "MO": "CP",
}  # fmt: skip


def converts(
    v2: Iterable[str] | str, fhir: Iterable[str] | str, components: Iterable[int]
) -> Callable[[Typed], Typed]:
    """Registers a function for every pair of `v2` and `fhir`."""

    def register(function: Typed) -> Typed:
        held = Converter(function, frozenset(components))
        for one in (v2,) if isinstance(v2, str) else v2:
            for other in (fhir,) if isinstance(fhir, str) else fhir:
                _CONVERTERS[one, other] = held
        return function

    return register


def converter(v2: str, fhir: str) -> Converter | None:
    """The converter from data type `v2` to the FHIR type (or resource type) `fhir`."""
    return _CONVERTERS.get((v2, fhir)) or _CONVERTERS.get((_SAME.get(v2, v2), fhir))
