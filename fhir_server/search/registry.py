"""Which parameters are offered for a type: those that can be indexed, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from fhir_server.definitions.search_parameters import SearchParameter, parameters_of
from fhir_server.search.extraction import ON_DOCUMENT, walkers
from fhir_server.search.targets import targets


@cache
def offered(type: str) -> dict[str, SearchParameter]:
    """The parameters that a search on `type` may use, by code, with the targets they have there."""
    indexed = {code for code, _, _ in walkers(type)} | ON_DOCUMENT
    return {
        code: replace(one, targets=targets(one, type)) if one.type == "reference" else one
        for code, one in parameters_of(type).items()
        if code in indexed
    }
