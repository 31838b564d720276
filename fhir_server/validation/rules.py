"""The invariants of a type, compiled, and which of them can be passed over.

A rule whose elements are all absent has one fixed outcome. It is worked out once, on an empty
element and without a resource; where the rule then holds, the rule needs no look at an element that
has none of them. Source: FHIR R4 2.1.0.5, http://hl7.org/fhir/R4/conformance-rules.html#constraints
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal

from fhir_server.definitions.invariants import Invariant, invariants
from fhir_server.fhirpath import EvaluationError, Expression, Node, Scope, compile_expression
from fhir_server.fhirpath.functions import named
from fhir_server.fhirpath.narrative import narrative_fault
from fhir_server.fhirpath.node import is_primitive, members
from fhir_server.fhirpath.syntax import (
    Binary,
    Call,
    Constant,
    Expr,
    Index,
    Member,
    Path,
    Polarity,
    TypeTest,
)
from fhir_server.fhirpath.syntax import (
    Literal as Written,
)
from fhir_server.fhirpath.type_tree import ancestry

UNKNOWN_HOLDS = frozenset({"bdl-8", "inv-1", "mdd-1", "per-1", "ras-2", "ref-1", "rng-2"})
"""Rules that an empty result does not break: an absent full URL, reference or probability, and
dates or amounts of which cannot be told which is the later or larger. Any other must be true."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule at one path. `leading` are the JSON members without which it surely holds."""

    key: str
    severity: Literal["error", "warning"]
    human: str
    expression: Expression
    leading: frozenset[str] | None

    def broken(self, node: Node, scope: Scope) -> bool:
        """Whether the node breaks the rule. What cannot be evaluated breaks none."""
        if self.key in ("txt-1", "txt-2"):
            # Both are written `htmlChecks()`: the expression does not tell which one is broken.
            return isinstance(node.value, str) and narrative_fault(node.value) == self.key
        try:
            outcome = self.expression.holds(node, scope)
        except EvaluationError:
            return False
        return outcome is False or (outcome is None and not self._unknown_holds())

    def _unknown_holds(self) -> bool:
        return self.key in UNKNOWN_HOLDS or self.key.endswith("-0")


@cache
def rules_at(path: str, type: str) -> tuple[Rule, ...]:
    """The rules of an element: those at its path, of its type and of the types above that."""
    listed = invariants()
    found: dict[str, Rule] = {}
    for place in (path, *ancestry(type)):
        for invariant in listed.get(place, ()):
            if invariant.key not in found:
                found[invariant.key] = _rule(invariant, type)
    return tuple(found.values())


def _rule(invariant: Invariant, type: str) -> Rule:
    expression = compile_expression(invariant.expression)
    rule = Rule(invariant.key, invariant.severity, invariant.human, expression, None)
    names = None if is_primitive(type) else leading(expression.tree)
    if names is None or not _holds_when_absent(rule, type):
        return rule
    plain = [key for name in names for key, _ in members(type, name)]
    keys = frozenset([*plain, *(f"_{key}" for key in plain)])
    return Rule(rule.key, rule.severity, rule.human, expression, keys)


class _Blind(Scope):
    """A scope of nothing: whoever asks it for a resource gets an AttributeError."""

    def __init__(self) -> None:
        self.kept = {}
        self.steps = 0
        self.variables = {}


def _holds_when_absent(rule: Rule, type: str) -> bool:
    try:
        return not rule.broken(Node(type, {}), _Blind())
    except AttributeError:
        return False


def leading(tree: Expr) -> frozenset[str] | None:
    """The children of the focus that an expression reads, None when it may read others too."""
    match tree:
        case Written() | Constant():
            return frozenset()
        case Member(name):
            return None if name[0].isupper() else frozenset({name})
        case Path(left, Member()):
            return leading(left)
        case Path(left, Call(name, arguments, _)):
            return _leading_of_call(left, name, arguments)
        case Index(left, right) | Binary(_, left, right):
            return _joined(leading(left), leading(right))
        case Polarity(_, operand) | TypeTest(_, operand, _):
            return leading(operand)
    return None


def _leading_of_call(left: Expr, name: str, arguments: tuple[Expr, ...]) -> frozenset[str] | None:
    function = named(name)
    if function is None or name == "iif":
        return None
    found = leading(left)
    # Criteria and projections see the items of `left` only, of which there are none.
    for kind, one in zip(function.parameters, arguments, strict=False):
        if kind == "v":
            found = _joined(found, leading(one))
    return found


def _joined(left: frozenset[str] | None, right: frozenset[str] | None) -> frozenset[str] | None:
    return None if left is None or right is None else left | right
