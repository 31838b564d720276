"""Equality, equivalence and order of items. Source: FHIRPath N1 6.1 and 6.2."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from fhir_server.fhirpath import quantities
from fhir_server.fhirpath.errors import EvaluationError
from fhir_server.fhirpath.moments import MOMENTS, Moment, moment
from fhir_server.fhirpath.moments import compare as compare_moments
from fhir_server.fhirpath.node import Node, Nodes
from fhir_server.fhirpath.type_tree import ancestry


def equal(left: Nodes, right: Nodes) -> bool | None:
    """`=`: None when either is empty or the precision does not tell."""
    if not left or not right:
        return None
    if len(left) != len(right):
        return False
    unknown = False
    for one, other in zip(left, right, strict=True):
        same = same_item(one, other)
        if same is False:
            return False
        unknown = unknown or same is None
    return None if unknown else True


def same_item(left: Node, right: Node) -> bool | None:
    """Whether two items are equal."""
    one, other = left.value, right.value
    if type(one) is str and type(other) is str:
        if one == other:
            return True
        return _same_moment(left, right) if one[:1].isdigit() and other[:1].isdigit() else False
    if one is None or other is None:
        return None
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if is_quantity(left) or is_quantity(right):
        return _same_quantity(left, right)
    if isinstance(one, float) or isinstance(other, float):
        return quantities.number(one) == quantities.number(other)
    return bool(one == other)


def _same_moment(left: Node, right: Node) -> bool | None:
    pair = _moments(left, right)
    if pair is None:
        return False
    order = compare_moments(*pair)
    return None if order is None else order == 0


def _moments(left: Node, right: Node) -> tuple[Moment, Moment] | None:
    kinds = {_moment_kind(left), _moment_kind(right)}
    if len(kinds) != 1 or None in kinds:
        return None
    one, other = moment(left.type, left.value), moment(right.type, right.value)
    return (one, other) if one and other else None


def _moment_kind(node: Node) -> str | None:
    if node.type in MOMENTS:
        return "date"
    return "time" if node.type == "time" else None


def is_quantity(node: Node) -> bool:
    """Whether the item is a quantity of FHIR or of FHIRPath."""
    return isinstance(node.value, dict) and (
        node.type in ("quantity", "Quantity") or "Quantity" in ancestry(node.type)
    )


def _same_quantity(left: Node, right: Node) -> bool | None:
    one, other = as_quantity(left), as_quantity(right)
    if one is None or other is None:
        return False
    if left.type != "quantity" and right.type != "quantity":
        return bool(one == other)
    sign = quantities.compare(one, other)
    return None if sign is None else sign == 0


def as_quantity(node: Node) -> dict[str, Any] | None:
    """The item as a quantity; a number is one of unit `1`."""
    if is_quantity(node):
        return dict(node.value)
    value = quantities.number(node.value)
    return None if value is None else {"value": value, "unit": "1"}


def order(left: Node, right: Node) -> int | None:
    """-1, 0 or 1; None when it cannot be told. Raises `EvaluationError` for other types."""
    one, other = left.value, right.value
    if one is None or other is None:
        return None
    if isinstance(one, str) and isinstance(other, str):
        if (_moment_kind(left) or _moment_kind(right)) and left.type != right.type:
            return _order_moments(left, right)
        if _moment_kind(left):
            return _order_moments(left, right)
        return (one > other) - (one < other)
    if is_quantity(left) or is_quantity(right):
        return _order_quantities(left, right)
    ours, theirs = quantities.number(one), quantities.number(other)
    if ours is None or theirs is None:
        raise EvaluationError("Values of different types have no order.")
    return (ours > theirs) - (ours < theirs)


def _order_moments(left: Node, right: Node) -> int | None:
    pair = _moments(left, right)
    if pair is None:
        raise EvaluationError("Values of different types have no order.")
    return compare_moments(*pair)


def _order_quantities(left: Node, right: Node) -> int | None:
    one, other = as_quantity(left), as_quantity(right)
    if one is None or other is None:
        raise EvaluationError("Values of different types have no order.")
    sign = quantities.compare(one, other)
    return None if sign is None else int(sign)


def equivalent(left: Nodes, right: Nodes) -> bool:
    """`~`: whatever the order, texts without regard to case and white space. N1 6.1.2."""
    if len(left) != len(right):
        return False
    rest = list(right)
    for one in left:
        match = next((at for at, other in enumerate(rest) if _alike(one, other)), None)
        if match is None:
            return False
        del rest[match]
    return True


def _alike(left: Node, right: Node) -> bool:
    one, other = left.value, right.value
    if isinstance(one, str) and isinstance(other, str):
        return _same_moment(left, right) is True or _folded(one) == _folded(other)
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    ours, theirs = quantities.number(one), quantities.number(other)
    if ours is not None and theirs is not None:
        return _rounded(ours, theirs)
    if is_quantity(left) and is_quantity(right):
        return quantities.compare(one, other) == 0
    return bool(_plain(one) == _plain(other))


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())


def _rounded(one: Decimal, other: Decimal) -> bool:
    """Equal when rounded to the precision of the less precise of the two."""
    places = min(_places(one), _places(other))
    return abs(one - other) < Decimal(1).scaleb(-places) and round(one, places) == round(
        other, places
    )


def _places(value: Decimal) -> int:
    return min(28, max(0, -int(value.normalize().as_tuple().exponent)))


def _plain(value: Any) -> Any:
    """A complex value without its ids, which mean nothing to others."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items() if key != "id"}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return _folded(value) if isinstance(value, str) else value


def distinct(nodes: Iterable[Node]) -> Nodes:
    """The items without those equal to an earlier one."""
    seen: set[Any] = set()
    found: Nodes = []
    others: Nodes = []
    for node in nodes:
        key = _hashable(node)
        if key is not None:
            if key in seen:
                continue
            seen.add(key)
        elif any(one is node or _duplicate(one, node) for one in others):
            continue
        else:
            others.append(node)
        found.append(node)
    return found


def _hashable(node: Node) -> Any:
    """The value, when equal items have equal values."""
    value = node.value
    if type(value) is str:
        return None if _moment_kind(node) else value
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    return value


def _duplicate(one: Node, other: Node) -> bool:
    return (one.location is not None and one.location == other.location) or (
        same_item(one, other) is True
    )


def contains(nodes: Nodes, wanted: Node) -> bool:
    """Whether the collection has an item equal to `wanted`."""
    return any(same_item(node, wanted) is True for node in nodes)
