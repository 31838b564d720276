"""The functions of FHIRPath by name."""

from __future__ import annotations

from functools import cache

from fhir_server.fhirpath.functions import (
    collections,
    conversion,
    existence,
    fhir,
    mathematics,
    navigation,
    strings,
)
from fhir_server.fhirpath.functions.declaration import Function


def named(name: str) -> Function | None:
    """The function of that name, None when there is none."""
    return _functions().get(name)


@cache
def _functions() -> dict[str, Function]:
    parts = (existence, collections, conversion, strings, mathematics, navigation, fhir)
    return {
        name: Function.declared(run, parameters)
        for part in parts
        for name, (run, parameters) in part.FUNCTIONS.items()
    }
