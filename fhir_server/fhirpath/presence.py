"""`exists()`, `empty()` and `not()` without a collection: the most frequent parts of a rule."""

from __future__ import annotations

from fhir_server.fhirpath.node import Node, members
from fhir_server.fhirpath.scope import Env, Evaluate, Truth


def any_of(evaluate: Evaluate) -> Truth:
    """`x.exists()`."""
    return lambda env: bool(evaluate(env))


def none_of(evaluate: Evaluate) -> Truth:
    """`x.empty()`."""
    return lambda env: not evaluate(env)


def negated(of: Truth) -> Truth:
    """`x.not()`."""

    def negate(env: Env) -> bool | None:
        value = of(env)
        return None if value is None else not value

    return negate


def member_present(name: str, *, wanted: bool) -> Truth:
    """`name.exists()` if `wanted`, else `name.empty()`, from the JSON members alone."""
    known: dict[str, frozenset[str]] = {}

    def present(node: Node) -> bool:
        value, type = node.value, node.type
        if not isinstance(value, dict):
            value, type = node.extra, "Element"
            if value is None:
                return False
        keys = known.get(type)
        if keys is None:
            plain = [key for key, _ in members(type, name)]
            keys = known[type] = frozenset([*plain, *(f"_{key}" for key in plain)])
        return not keys.isdisjoint(value)

    def of(env: Env) -> bool:
        return any(present(node) for node in env.this) is wanted

    return of
