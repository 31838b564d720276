"""Conversion: N1 5.5, in pairs of `toX` and `convertsToX`."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from fhir_server.fhirpath.equality import is_quantity
from fhir_server.fhirpath.functions.declaration import Declarations, Run
from fhir_server.fhirpath.moments import moment
from fhir_server.fhirpath.node import EMPTY, Node, Nodes, boolean, decimal, integer, string
from fhir_server.fhirpath.quantities import CALENDAR_UNITS, number, quantity, unit_of
from fhir_server.fhirpath.scope import Env
from fhir_server.fhirpath.singletons import single, text, written

Convert = Callable[[Node], Nodes]

_WHOLE = re.compile(r"[+-]?\d{1,10}", re.ASCII)
_DECIMAL = re.compile(r"[+-]?\d{1,400}(\.\d{1,400})?", re.ASCII)
_QUANTITY = re.compile(
    r"(?P<value>[+-]?\d{1,100}(\.\d{1,100})?)\s*('(?P<unit>[^']+)'|(?P<word>[a-z]+))?"
)
_TRUE = frozenset({"true", "t", "yes", "y", "1", "1.0"})
_FALSE = frozenset({"false", "f", "no", "n", "0", "0.0"})


def _to_boolean(node: Node) -> Nodes:
    value = node.value
    if isinstance(value, bool):
        return boolean(value)
    if isinstance(value, str):
        folded = value.lower()
        return boolean(True if folded in _TRUE else False if folded in _FALSE else None)
    size = number(value)
    return boolean(bool(size) if size in (0, 1) else None)


def _to_integer(node: Node) -> Nodes:
    value = node.value
    if isinstance(value, bool):
        return integer(int(value))
    if isinstance(value, str):
        return integer(int(value)) if _WHOLE.fullmatch(value) else EMPTY
    return integer(value) if isinstance(value, int) else EMPTY


def _to_decimal(node: Node) -> Nodes:
    value = node.value
    if isinstance(value, bool):
        return decimal(Decimal(int(value)))
    if isinstance(value, str):
        return decimal(Decimal(value)) if _DECIMAL.fullmatch(value) else EMPTY
    size = number(value)
    return EMPTY if size is None else decimal(size)


def _to_string(node: Node) -> Nodes:
    if is_quantity(node):
        return _quantity_text(node.value)
    found = written(node.value)
    return EMPTY if found is None else string(found)


def _quantity_text(value: dict[str, Any]) -> Nodes:
    size, unit = written(value.get("value")), unit_of(value)
    if size is None:
        return EMPTY
    return string(f"{size} {unit}" if unit in CALENDAR_UNITS else f"{size} '{unit}'")


def _to_moment(type: str) -> Convert:
    def convert(node: Node) -> Nodes:
        value = node.value
        if not isinstance(value, str):
            return EMPTY
        plain = value.partition("T")[0] if type == "date" and moment("dateTime", value) else value
        return [Node(type, plain)] if moment(type, plain) else EMPTY

    return convert


def _to_quantity(node: Node) -> Nodes:
    value = node.value
    if is_quantity(node):
        return [Node("quantity", value)]
    if isinstance(value, bool):
        return [quantity(Decimal(int(value)), "1")]
    if isinstance(value, str):
        match = _QUANTITY.fullmatch(value)
        if match is None or (match["word"] and match["word"] not in CALENDAR_UNITS):
            return EMPTY
        size = Decimal(match["value"])
        if match["word"]:
            return [quantity(size, match["word"], calendar=True)]
        return [quantity(size, match["unit"] or "1")]
    found = number(value)
    return EMPTY if found is None else [quantity(found, "1")]


def _function(convert: Convert) -> Run:
    def run(env: Env, focus: Nodes) -> Nodes:
        node = single(focus)
        return EMPTY if node is None or node.value is None else convert(node)

    return run


def _test(convert: Convert) -> Run:
    def run(env: Env, focus: Nodes) -> Nodes:
        node = single(focus)
        return EMPTY if node is None else boolean(bool(node.value is not None and convert(node)))

    return run


def _quantity_of(env: Env, focus: Nodes, unit: Nodes | None = None) -> Nodes:
    found = _function(_to_quantity)(env, focus)
    wanted = text(unit) if unit is not None else None
    if not found or wanted is None:
        return found
    return found if unit_of(found[0].value) == wanted else EMPTY


_CONVERSIONS: dict[str, Convert] = {
    "Boolean": _to_boolean,
    "Integer": _to_integer,
    "Decimal": _to_decimal,
    "String": _to_string,
    "Date": _to_moment("date"),
    "DateTime": _to_moment("dateTime"),
    "Time": _to_moment("time"),
    "Quantity": _to_quantity,
}
FUNCTIONS: Declarations = {
    **{f"to{name}": (_function(one), "") for name, one in _CONVERSIONS.items()},
    **{f"convertsTo{name}": (_test(one), "") for name, one in _CONVERSIONS.items()},
    "toQuantity": (_quantity_of, "?v"),
    "convertsToQuantity": (
        lambda env, focus, unit=None: (
            boolean(bool(_quantity_of(env, focus, unit))) if focus else EMPTY
        ),
        "?v",
    ),
}
