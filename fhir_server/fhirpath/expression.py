"""Compiled expressions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from fhir_server.fhirpath.compiler import collection, truth
from fhir_server.fhirpath.node import Node, Nodes
from fhir_server.fhirpath.parser import parse
from fhir_server.fhirpath.scope import Env, Evaluate, Resolve, Scope, Truth
from fhir_server.fhirpath.syntax import Call, Constant, Expr

_COMPILED = 4096


@dataclass(frozen=True, eq=False)
class Expression:
    """A FHIRPath expression, ready to be evaluated any number of times."""

    text: str
    tree: Expr
    functions: frozenset[str]
    constants: frozenset[str]
    _evaluate: Evaluate
    _truth: Truth

    def __call__(
        self,
        focus: Node,
        *,
        resource: Node | None = None,
        context: Node | None = None,
        resolve: Resolve | None = None,
        top: Node | None = None,
        now: datetime | None = None,
        variables: Mapping[str, Nodes] | None = None,
    ) -> Nodes:
        """What the expression selects from `focus`.

        `resource` is `%resource`, `top` `%rootResource`, `context` `%context`; left out they are
        the focus, the resource and the focus. `resolve` is asked for what is neither contained nor
        in the bundle; `now` is what `now()` and `today()` tell, nothing without it. Raises
        `EvaluationError`.
        """
        scope = Scope(
            resource or focus, top=top, context=context or focus, resolve=resolve, now=now,
            variables=variables,
        )  # fmt: skip
        return list(self._evaluate(Env(scope, [focus])))

    def true(
        self,
        focus: Node,
        *,
        resource: Node | None = None,
        context: Node | None = None,
        resolve: Resolve | None = None,
        top: Node | None = None,
    ) -> bool:
        """Whether the expression is true of `focus`: unknown is not. Raises `EvaluationError`."""
        scope = Scope(resource or focus, top=top, context=context or focus, resolve=resolve)
        return self._truth(Env(scope, [focus])) is True

    def holds(self, focus: Node, scope: Scope) -> bool | None:
        """The truth of the expression, None for unknown, with a scope that others use as well."""
        if "context" in self.constants:
            scope = scope.at(focus)
        return self._truth(Env(scope, [focus]))


@lru_cache(maxsize=_COMPILED)
def compile_expression(text: str) -> Expression:
    """The compiled expression. Raises `InvalidExpression`, which names the place."""
    tree = parse(text)
    nodes = list(_walk(tree))
    return Expression(
        text,
        tree,
        frozenset(node.name for node in nodes if isinstance(node, Call)),
        frozenset(node.name for node in nodes if isinstance(node, Constant)),
        collection(tree),
        truth(tree),
    )


def _walk(tree: Any) -> Iterator[Expr]:
    """Every part of a tree."""
    waiting = [tree]
    while waiting:
        part = waiting.pop()
        if isinstance(part, tuple):
            waiting.extend(part)
        elif is_dataclass(part):
            yield part  # type: ignore[misc]
            waiting.extend(getattr(part, field.name) for field in fields(part))
