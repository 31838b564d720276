"""Existence: N1 5.1, and `not`, 6.5.3."""

from __future__ import annotations

from fhir_server.fhirpath.equality import contains, distinct
from fhir_server.fhirpath.errors import EvaluationError
from fhir_server.fhirpath.functions.declaration import Declarations
from fhir_server.fhirpath.node import Nodes, boolean, integer
from fhir_server.fhirpath.scope import Env, Truth
from fhir_server.fhirpath.singletons import truth


def _empty(env: Env, focus: Nodes) -> Nodes:
    return boolean(not focus)


def _exists(env: Env, focus: Nodes, criterion: Truth | None = None) -> Nodes:
    if criterion is None:
        return boolean(bool(focus))
    return boolean(any(criterion(one) is True for one in items(env, focus)))


def items(env: Env, focus: Nodes) -> list[Env]:
    """An `Env` for each item, `$this` and `$index` set."""
    env.scope.count(len(focus))
    return [Env(env.scope, [node], at, env.total) for at, node in enumerate(focus)]


def _all(env: Env, focus: Nodes, criterion: Truth) -> Nodes:
    return boolean(all(criterion(one) is True for one in items(env, focus)))


def _quantify(focus: Nodes, wanted: bool, *, every: bool) -> Nodes:
    values = [node.value for node in focus]
    if not all(isinstance(value, bool) for value in values):
        raise EvaluationError("Booleans are needed, and there is something else.")
    found = [value is wanted for value in values]
    return boolean(all(found) if every else any(found))


def _all_true(env: Env, focus: Nodes) -> Nodes:
    return _quantify(focus, True, every=True)


def _any_true(env: Env, focus: Nodes) -> Nodes:
    return _quantify(focus, True, every=False)


def _all_false(env: Env, focus: Nodes) -> Nodes:
    return _quantify(focus, False, every=True)


def _any_false(env: Env, focus: Nodes) -> Nodes:
    return _quantify(focus, False, every=False)


def _subset_of(env: Env, focus: Nodes, other: Nodes) -> Nodes:
    env.scope.count(len(focus) * len(other))
    return boolean(all(contains(other, node) for node in focus))


def _superset_of(env: Env, focus: Nodes, other: Nodes) -> Nodes:
    return _subset_of(env, other, focus)


def _count(env: Env, focus: Nodes) -> Nodes:
    return integer(len(focus))


def _distinct(env: Env, focus: Nodes) -> Nodes:
    return distinct(focus)


def _is_distinct(env: Env, focus: Nodes) -> Nodes:
    return boolean(len(distinct(focus)) == len(focus))


def _not(env: Env, focus: Nodes) -> Nodes:
    value = truth(focus)
    return boolean(None if value is None else not value)


FUNCTIONS: Declarations = {
    "empty": (_empty, ""),
    "exists": (_exists, "?t"),
    "all": (_all, "t"),
    "allTrue": (_all_true, ""),
    "anyTrue": (_any_true, ""),
    "allFalse": (_all_false, ""),
    "anyFalse": (_any_false, ""),
    "subsetOf": (_subset_of, "v"),
    "supersetOf": (_superset_of, "v"),
    "count": (_count, ""),
    "distinct": (_distinct, ""),
    "isDistinct": (_is_distinct, ""),
    "not": (_not, ""),
}
