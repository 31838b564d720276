"""What an evaluation knows besides its focus: `%resource`, `%context`, `$this`, `$index`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from fhir_server.fhirpath.errors import EvaluationError
from fhir_server.fhirpath.node import EMPTY, Node, Nodes

STEP_LIMIT = 2_000_000
"""Items that one evaluation may visit in loops: seconds of work, far above any rule of R4."""

Resolve = Callable[[str], Node | None]
"""Gives the resource that a reference names, None when it is not to be had."""


class Scope:
    """The constants of an evaluation. One serves all expressions on one resource.

    `resource` holds the node; `top` is the resource that contains it, or itself. Values that depend
    on these alone are worked out once and kept in `kept`.
    """

    __slots__ = ("context", "kept", "now", "resolve", "resource", "steps", "top", "variables")

    def __init__(
        self,
        resource: Node,
        *,
        top: Node | None = None,
        context: Node | None = None,
        resolve: Resolve | None = None,
        now: datetime | None = None,
        variables: Mapping[str, Nodes] | None = None,
    ) -> None:
        self.resource = resource
        self.top = top or resource
        self.context = context
        self.resolve = resolve
        self.now = now
        self.variables = variables or {}
        self.kept: dict[Evaluate, Nodes] = {}
        self.steps = 0

    def at(self, context: Node) -> Scope:
        """The same with another `%context`."""
        made = Scope(
            self.resource, top=self.top, context=context, resolve=self.resolve,
            now=self.now, variables=self.variables,
        )  # fmt: skip
        made.steps = self.steps
        return made

    def count(self, items: int) -> None:
        """Count the items that a loop visits. Raises `EvaluationError` over the limit."""
        self.steps += items
        if self.steps > STEP_LIMIT:
            raise EvaluationError("The expression would take too much work on this resource.")


class Env:
    """The variables of one place of an expression: `this` is what names there start from."""

    __slots__ = ("index", "scope", "this", "total")

    def __init__(
        self, scope: Scope, this: Nodes, index: int | None = None, total: Nodes = EMPTY
    ) -> None:
        self.scope = scope
        self.this = this
        self.index = index
        self.total = total


Evaluate = Callable[[Env], Nodes]
Truth = Callable[[Env], bool | None]
"""A compiled expression: one gives the collection, the other its truth, None for unknown."""
