"""Operators compiled to closures. Source: FHIRPath N1 6 (three-valued logic: 6.5)."""

from __future__ import annotations

from fhir_server.fhirpath.arithmetic import calculate, join, negative
from fhir_server.fhirpath.equality import contains, distinct, equal, equivalent, order
from fhir_server.fhirpath.node import EMPTY, Node, Nodes
from fhir_server.fhirpath.scope import Env, Evaluate, Truth
from fhir_server.fhirpath.singletons import single
from fhir_server.fhirpath.type_tree import conforms

LOGIC = frozenset({"and", "or", "xor", "implies"})
RELATIONS = frozenset({"=", "!=", "~", "!~", "<", ">", "<=", ">=", "in", "contains"})


def logic(operator: str, left: Truth, right: Truth) -> Truth:
    """and, or, xor, implies; the right side is not evaluated when the left decides."""
    return {"and": _and, "or": _or, "xor": _xor, "implies": _implies}[operator](left, right)


def _and(left: Truth, right: Truth) -> Truth:
    def both(env: Env) -> bool | None:
        one = left(env)
        if one is False:
            return False
        other = right(env)
        return other if one or other is False else None

    return both


def _or(left: Truth, right: Truth) -> Truth:
    def either(env: Env) -> bool | None:
        one = left(env)
        if one:
            return True
        other = right(env)
        return other if other or one is False else None

    return either


def _xor(left: Truth, right: Truth) -> Truth:
    def one_only(env: Env) -> bool | None:
        one, other = left(env), right(env)
        return None if one is None or other is None else one is not other

    return one_only


def _implies(left: Truth, right: Truth) -> Truth:
    def implied(env: Env) -> bool | None:
        one = left(env)
        if one is False:
            return True
        other = right(env)
        return other if one or other else None

    return implied


def relation(operator: str, left: Evaluate, right: Evaluate) -> Truth:
    """Equality, order and membership."""
    if operator in ("=", "!="):
        return _equality(left, right, wanted=operator == "=")
    if operator in ("~", "!~"):
        wanted = operator == "~"
        return lambda env: equivalent(left(env), right(env)) is wanted
    if operator == "in":
        return lambda env: _member(left(env), right(env))
    if operator == "contains":
        return lambda env: _member(right(env), left(env))
    return _ordered(left, right, _SIGNS[operator])


_SIGNS = {"<": (-1,), ">": (1,), "<=": (-1, 0), ">=": (1, 0)}


def _equality(left: Evaluate, right: Evaluate, *, wanted: bool) -> Truth:
    def compare(env: Env) -> bool | None:
        same = equal(left(env), right(env))
        return None if same is None else same is wanted

    return compare


def _member(wanted: Nodes, among: Nodes) -> bool | None:
    node = single(wanted)
    return None if node is None else contains(among, node)


def _ordered(left: Evaluate, right: Evaluate, signs: tuple[int, ...]) -> Truth:
    def compare(env: Env) -> bool | None:
        one, other = single(left(env)), single(right(env))
        if one is None or other is None:
            return None
        sign = order(one, other)
        return None if sign is None else sign in signs

    return compare


def combination(operator: str, left: Evaluate, right: Evaluate) -> Evaluate:
    """Union, `&` and arithmetic."""
    if operator == "|":
        return lambda env: _union(env, left(env), right(env))
    if operator == "&":
        return lambda env: join(left(env), right(env))
    return lambda env: calculate(operator, left(env), right(env))


def _union(env: Env, left: Nodes, right: Nodes) -> Nodes:
    env.scope.count(len(left) + len(right))
    return distinct([*left, *right])


def polarity(operator: str, operand: Evaluate) -> Evaluate:
    """`-x`; `+x` is x."""
    return operand if operator == "+" else lambda env: negative(operand(env))


def is_type(nodes: Nodes, type: str) -> bool | None:
    """Whether the only item is of the type, None of nothing."""
    node = single(nodes)
    return None if node is None else conforms(node.type, type)


def of_type(nodes: Nodes, type: str) -> Nodes:
    """The items of the type. `as` is this too: invariant dom-3 uses it on many items."""
    found: list[Node] = [node for node in nodes if conforms(node.type, type)]
    return found or EMPTY
