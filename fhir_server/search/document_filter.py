"""Whether one document meets a filter, without a database: the operators that our filters use.

https://www.mongodb.com/docs/manual/reference/operator/query/
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

Filter = dict[str, Any]

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "$eq": lambda value, wanted: value == wanted,
    "$in": lambda value, wanted: value in wanted,
    "$gt": lambda value, wanted: value is not None and value > wanted,
    "$gte": lambda value, wanted: value is not None and value >= wanted,
    "$lt": lambda value, wanted: value is not None and value < wanted,
    "$lte": lambda value, wanted: value is not None and value <= wanted,
    "$regex": lambda value, wanted: isinstance(value, str) and bool(re.search(wanted, value)),
}
_OPPOSITE = {"$ne": "$eq", "$nin": "$in"}
_JOINED: dict[str, Callable[[Any, list[Filter]], bool]] = {
    "$and": lambda document, parts: all(meets(document, part) for part in parts),
    "$or": lambda document, parts: any(meets(document, part) for part in parts),
    "$nor": lambda document, parts: not any(meets(document, part) for part in parts),
}


def meets(document: dict[str, Any], condition: Filter) -> bool:
    """Whether MongoDB would find the document by `condition`. KeyError for another operator."""
    return all(
        _JOINED[name](document, wanted) if name in _JOINED else _field(document.get(name), wanted)
        for name, wanted in condition.items()
    )


def _field(value: Any, wanted: Any) -> bool:
    operators = wanted if isinstance(wanted, dict) else {"$eq": wanted}
    return all(_operator(value, operator, operand) for operator, operand in operators.items())


def _operator(value: Any, operator: str, operand: Any) -> bool:
    if operator in _OPPOSITE:
        return not _operator(value, _OPPOSITE[operator], operand)
    if operator == "$elemMatch":
        return any(_element(one, operand) for one in value or ())
    values = value if isinstance(value, list) else [value]
    return any(_COMPARE[operator](one, operand) for one in values)


def _element(element: Any, operand: Filter) -> bool:
    if isinstance(element, dict):
        return meets(element, operand)
    return all(_COMPARE[operator](element, wanted) for operator, wanted in operand.items())
