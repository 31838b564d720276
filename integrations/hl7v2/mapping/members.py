"""Elements of R4 and the members of a resource that belong to them."""

from __future__ import annotations

from functools import cache

from fhir_server.definitions.elements import elements_of


@cache
def element_of(type: str, name: str) -> str:
    """The element that a member belongs to: `deceased` for `_deceasedDateTime`."""
    plain, elements = name.removeprefix("_"), elements_of(type)
    if plain in elements:
        return plain
    choices = (one.name for one in elements.values() if one.choice)
    return next((one for one in choices if plain.startswith(one)), plain)
