"""How a function of FHIRPath is declared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fhir_server.fhirpath.node import Nodes

Run = Callable[..., Nodes]
"""Takes the `Env`, the focus and the arguments; gives the new collection."""

Declarations = dict[str, tuple[Run, str]]
"""Functions by name, each with its parameters, one letter each, optional ones behind a `?`:

v  a collection, evaluated where the function stands
e  an expression, a closure that gives its collection for an `Env`
t  a criterion, a closure that gives its truth for an `Env`
y  the name of a type
"""


@dataclass(frozen=True)
class Function:
    """One function: `parameters` are letters of `Declarations`, the first `least` required."""

    run: Run
    parameters: str
    least: int

    @classmethod
    def declared(cls, run: Run, parameters: str) -> Function:
        """The function of a declaration."""
        required, mark, optional = parameters.partition("?")
        return cls(run, required + optional, len(required) if mark else len(parameters))
