"""The FHIRPath rules of a profile. http://hl7.org/fhir/R4/conformance-rules.html#constraints"""

from __future__ import annotations

from collections.abc import Iterator

from fhir_server.definitions.profiles import Constraint, ProfileElement
from fhir_server.fhirpath import InvalidExpression, Node, Scope, compile_expression
from fhir_server.validation.rules import Rule

_ABOUT_DATE_TIMES = "vs-1"
"""Written `($this as dateTime)...` of an element that may be a Period too, which it is not about:
its text begins with "if Observation.effective[x] is dateTime"."""


def compiled_constraints(element: ProfileElement, warnings: bool) -> tuple[Rule, ...]:
    """The rules of an element that can be evaluated here, without `warnings` the errors only."""
    compiled = (_rule(one) for one in element.constraints if warnings or one.severity == "error")
    return tuple(rule for rule in compiled if rule is not None)


def broken(rules: tuple[Rule, ...], node: Node, scope: Scope) -> Iterator[Rule]:
    """The rules that a value breaks."""
    for rule in rules:
        if rule.key == _ABOUT_DATE_TIMES and node.type != "dateTime":
            continue
        if rule.broken(node, scope):
            yield rule


def _rule(constraint: Constraint) -> Rule | None:
    try:
        expression = compile_expression(constraint.expression)
    except InvalidExpression:
        return None
    return Rule(constraint.key, constraint.severity, constraint.human, expression, None)
