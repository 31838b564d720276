"""Reading the tables of definitions before somebody waits for them."""

from __future__ import annotations

from fhir_server.definitions.elements import elements_of
from fhir_server.definitions.invariants import invariants
from fhir_server.definitions.search_parameters import parameters_of


def read_definitions() -> None:
    """Read and unpack all three, 15 ms, and keep them.

    For a thread at the start: in the first request this would hold up all others of the process.
    """
    elements_of("Resource")
    invariants()
    parameters_of("Resource")
