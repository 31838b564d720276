"""The operators + - * / div mod &, and signs. Source: FHIRPath N1 6.6 and 6.7."""

from __future__ import annotations

from decimal import ROUND_DOWN, Context, Decimal, DecimalException

from fhir_server.fhirpath import quantities
from fhir_server.fhirpath.equality import as_quantity, is_quantity
from fhir_server.fhirpath.errors import EvaluationError
from fhir_server.fhirpath.moments import MOMENTS, shift
from fhir_server.fhirpath.node import EMPTY, Node, Nodes, decimal, integer, string
from fhir_server.fhirpath.singletons import checked, single, written

_LARGEST = 2**63
"""Beyond this a whole number becomes nothing, as overflow does in N1."""

_CONTEXT = Context(prec=28, Emax=6144, Emin=-6143)


def join(left: Nodes, right: Nodes) -> Nodes:
    """`&`: strings one after the other, an empty collection being an empty string."""
    return string(checked(_joined(left) + _joined(right)))


def _joined(nodes: Nodes) -> str:
    node = single(nodes)
    if node is None:
        return ""
    found = written(node.value)
    if found is None and node.value is not None:
        raise EvaluationError("A string is needed, and there is something else.")
    return found or ""


def calculate(operator: str, left: Nodes, right: Nodes) -> Nodes:
    """Every other arithmetic operator. Raises `EvaluationError` for types it does not fit."""
    one, other = single(left), single(right)
    if one is None or other is None or one.value is None or other.value is None:
        return EMPTY
    if operator in "+-" and (one.type in MOMENTS or one.type == "time"):
        return _moved(operator, one, other)
    if isinstance(one.value, str) and isinstance(other.value, str) and operator == "+":
        return string(checked(one.value + other.value))
    if is_quantity(one) or is_quantity(other):
        return _quantity(operator, one, other)
    return numbers(operator, one, other)


def _moved(operator: str, one: Node, other: Node) -> Nodes:
    amount = as_quantity(other) if is_quantity(other) else None
    unit = quantities.calendar_unit(amount) if amount else None
    size = quantities.number(amount.get("value")) if amount else None
    if unit is None or size is None:
        raise EvaluationError("A date moves by a quantity with a unit of time.")
    moved = shift(one.type, one.value, size if operator == "+" else -size, unit)
    return EMPTY if moved is None else [Node(one.type, moved)]


def _quantity(operator: str, one: Node, other: Node) -> Nodes:
    left, right = as_quantity(one), as_quantity(other)
    if left is None or right is None or operator in ("div", "mod"):
        raise EvaluationError("This operator does not fit these values.")
    try:
        made = quantities.combine(operator, left, right)
    except DecimalException:
        return EMPTY
    return EMPTY if made is None else [made]


def numbers(operator: str, one: Node, other: Node) -> Nodes:
    """An operator on two numbers; nothing on overflow and division by zero."""
    left, right = quantities.number(one.value), quantities.number(other.value)
    if left is None or right is None:
        raise EvaluationError("This operator does not fit these values.")
    exact = isinstance(one.value, int) and isinstance(other.value, int)
    try:
        value = _value(operator, left, right)
    except DecimalException:
        return EMPTY
    if value is None:
        return EMPTY
    if operator == "div" or (exact and operator != "/"):
        return whole_number(value)
    return decimal(value)


def whole_number(value: Decimal) -> Nodes:
    """An integer, nothing when it is too large."""
    return integer(int(value)) if abs(value) < _LARGEST else EMPTY


def _value(operator: str, left: Decimal, right: Decimal) -> Decimal | None:
    match operator:
        case "+":
            return _CONTEXT.add(left, right)
        case "-":
            return _CONTEXT.subtract(left, right)
        case "*":
            return _CONTEXT.multiply(left, right)
    if right == 0:
        return None
    if operator == "/":
        return _CONTEXT.divide(left, right)
    whole = _CONTEXT.divide(left, right).to_integral_value(rounding=ROUND_DOWN)
    return whole if operator == "div" else _CONTEXT.remainder(left, right)


def negative(nodes: Nodes) -> Nodes:
    """`-x` of a number or quantity."""
    node = single(nodes)
    if node is None or node.value is None:
        return EMPTY
    if is_quantity(node):
        value = quantities.number(node.value.get("value"))
        return EMPTY if value is None else [Node("quantity", {**node.value, "value": -value})]
    return numbers("-", Node("integer", 0), node)
