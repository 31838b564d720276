"""Search parameter expressions that no walker takes, evaluated as FHIRPath.

R4's own parameters are all walked (`path`); this is for SearchParameter resources of one's own. An
evaluation costs tens of microseconds where a walk costs a few.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from fhir_server.definitions.elements import elements_of
from fhir_server.fhirpath import EvaluationError, Expression, InvalidExpression, root
from fhir_server.fhirpath import compile_expression as compile_fhirpath
from fhir_server.fhirpath.syntax import Binary, Expr, Index, Member, Path, TypeTest
from fhir_server.search.path import Node

_COMPUTED = {"quantity": "Quantity"}


@dataclass(frozen=True)
class Evaluated:
    """Finds an expression's nodes in a resource, as a `Walker` does."""

    expression: Expression

    @property
    def roots(self) -> None:
        """What a resource must have is not known."""

    def __call__(self, type: str, resource: dict[str, Any]) -> Iterator[Node]:
        """Every node that the expression selects; none where it does not fit the resource."""
        try:
            found = self.expression(root(resource))
        except EvaluationError:
            return
        for node in found:
            if node.value is not None:
                yield _COMPUTED.get(node.type, node.type), node.value


@cache
def compile_evaluated(expression: str, type: str) -> Evaluated | None:
    """The expression for resources of `type`; None if it is no FHIRPath or not about them."""
    try:
        compiled = compile_fhirpath(expression)
    except InvalidExpression:
        return None
    names = {type, "Resource", "DomainResource", *elements_of(type)}
    return Evaluated(compiled) if names & set(_starts(compiled.tree)) else None


def _starts(tree: Expr) -> Iterator[str]:
    """The names that an expression's paths begin with."""
    match tree:
        case Member(name):
            yield name
        case Path(left, _) | Index(left, _) | TypeTest(_, left, _):
            yield from _starts(left)
        case Binary(_, left, right):
            yield from _starts(left)
            yield from _starts(right)
