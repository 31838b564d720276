"""Filtering, subsetting, combining, aggregates and `iif`: N1 5.2 to 5.4, 5.5.1, 7."""

from __future__ import annotations

from fhir_server.fhirpath.equality import contains, distinct
from fhir_server.fhirpath.errors import EvaluationError
from fhir_server.fhirpath.functions.declaration import Declarations
from fhir_server.fhirpath.functions.existence import items
from fhir_server.fhirpath.node import EMPTY, Nodes
from fhir_server.fhirpath.operators import of_type
from fhir_server.fhirpath.scope import Env, Evaluate, Truth
from fhir_server.fhirpath.singletons import whole

REPEAT_LIMIT = 100_000
"""Items that `repeat` may find; an expression that makes new ones would never end."""


def _where(env: Env, focus: Nodes, criterion: Truth) -> Nodes:
    return [node for node, one in zip(focus, items(env, focus), strict=True) if criterion(one)]


def _select(env: Env, focus: Nodes, projection: Evaluate) -> Nodes:
    return [node for one in items(env, focus) for node in projection(one)]


def _repeat(env: Env, focus: Nodes, projection: Evaluate) -> Nodes:
    found: Nodes = []
    level = focus
    while level:
        fresh = _select(env, level, projection)
        merged = distinct([*found, *fresh])
        level = merged[len(found) :]
        found = merged
        if len(found) > REPEAT_LIMIT:
            raise EvaluationError("repeat finds no end.")
        env.scope.count(len(found))
    return found


def _of_type(env: Env, focus: Nodes, type: str) -> Nodes:
    return of_type(focus, type)


def _single(env: Env, focus: Nodes) -> Nodes:
    if len(focus) > 1:
        raise EvaluationError("One item is needed, and there are several.")
    return focus


def _first(env: Env, focus: Nodes) -> Nodes:
    return focus[:1]


def _last(env: Env, focus: Nodes) -> Nodes:
    return focus[-1:]


def _tail(env: Env, focus: Nodes) -> Nodes:
    return focus[1:]


def _skip(env: Env, focus: Nodes, number: Nodes) -> Nodes:
    return focus[max(whole(number) or 0, 0) :]


def _take(env: Env, focus: Nodes, number: Nodes) -> Nodes:
    return focus[: max(whole(number) or 0, 0)]


def _intersect(env: Env, focus: Nodes, other: Nodes) -> Nodes:
    env.scope.count(len(focus) * len(other))
    return distinct([node for node in focus if contains(other, node)])


def _exclude(env: Env, focus: Nodes, other: Nodes) -> Nodes:
    env.scope.count(len(focus) * len(other))
    return [node for node in focus if not contains(other, node)]


def _union(env: Env, focus: Nodes, other: Nodes) -> Nodes:
    env.scope.count(len(focus) + len(other))
    return distinct([*focus, *other])


def _combine(env: Env, focus: Nodes, other: Nodes) -> Nodes:
    env.scope.count(len(focus) + len(other))
    return [*focus, *other]


def _aggregate(env: Env, focus: Nodes, step: Evaluate, start: Nodes = EMPTY) -> Nodes:
    total = start
    for one in items(env, focus):
        one.total = total
        total = step(one)
    return total


def _iif(
    env: Env, focus: Nodes, criterion: Truth, then: Evaluate, otherwise: Evaluate | None = None
) -> Nodes:
    inner = Env(env.scope, focus, env.index, env.total)
    if criterion(inner):
        return then(inner)
    return otherwise(inner) if otherwise else EMPTY


FUNCTIONS: Declarations = {
    "where": (_where, "t"),
    "select": (_select, "e"),
    "repeat": (_repeat, "e"),
    "ofType": (_of_type, "y"),
    "as": (_of_type, "y"),
    "single": (_single, ""),
    "first": (_first, ""),
    "last": (_last, ""),
    "tail": (_tail, ""),
    "skip": (_skip, "v"),
    "take": (_take, "v"),
    "intersect": (_intersect, "v"),
    "exclude": (_exclude, "v"),
    "union": (_union, "v"),
    "combine": (_combine, "v"),
    "aggregate": (_aggregate, "e?v"),
    "iif": (_iif, "te?e"),
}
