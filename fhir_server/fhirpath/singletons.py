"""Singleton evaluation: one item where one must stand. Source: FHIRPath N1 4.5."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from fhir_server.fhirpath import quantities
from fhir_server.fhirpath.errors import EvaluationError
from fhir_server.fhirpath.node import Node, Nodes

TEXT_LIMIT = 1_000_000
"""Characters of a text that an expression may make."""


def single(nodes: Nodes) -> Node | None:
    """The only item, None of nothing. Raises `EvaluationError` for several."""
    if not nodes:
        return None
    if len(nodes) > 1:
        raise EvaluationError("One item is needed, and there are several.")
    return nodes[0]


def truth(nodes: Nodes) -> bool | None:
    """The item as a boolean: one that is no boolean counts as true."""
    if not nodes:
        return None
    if len(nodes) > 1:
        raise EvaluationError("One item is needed, and there are several.")
    value = nodes[0].value
    return value if isinstance(value, bool) else True


def text(nodes: Nodes) -> str | None:
    """The item as a string. Raises `EvaluationError` for one that is none."""
    node = single(nodes)
    if node is None or node.value is None:
        return None
    if not isinstance(node.value, str):
        raise EvaluationError("A string is needed, and there is something else.")
    return node.value


def whole(nodes: Nodes) -> int | None:
    """The item as an integer. Raises `EvaluationError` for one that is none."""
    node = single(nodes)
    if node is None or node.value is None:
        return None
    if isinstance(node.value, bool) or not isinstance(node.value, int):
        raise EvaluationError("A whole number is needed, and there is something else.")
    return node.value


def numeric(nodes: Nodes) -> Decimal | None:
    """The item as a number. Raises `EvaluationError` for one that is none."""
    node = single(nodes)
    if node is None or node.value is None:
        return None
    value = quantities.number(node.value)
    if value is None:
        raise EvaluationError("A number is needed, and there is something else.")
    return value


def checked(text: str) -> str:
    """`text`, when it is not over the limit. Raises `EvaluationError`."""
    if len(text) > TEXT_LIMIT:
        raise EvaluationError("The expression makes a text that is too long.")
    return text


def written(value: Any) -> str | None:
    """A primitive value as a string, None of anything else. N1 5.5."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    number = quantities.number(value)
    if number is None:
        return None
    exact: str = getattr(value, "text", None) or (
        str(value) if isinstance(value, int) else format(number, "f")
    )
    return exact
