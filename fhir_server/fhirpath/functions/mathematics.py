"""Numbers: N1 5.7. What has no result, the root of -1 say, is empty."""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_UP, Context, Decimal
from decimal import DecimalException as ArithmeticFailure

from fhir_server.fhirpath.arithmetic import negative, whole_number
from fhir_server.fhirpath.equality import is_quantity
from fhir_server.fhirpath.functions.declaration import Declarations, Run
from fhir_server.fhirpath.node import EMPTY, Nodes, decimal
from fhir_server.fhirpath.quantities import number
from fhir_server.fhirpath.scope import Env
from fhir_server.fhirpath.singletons import numeric, single, whole

_CONTEXT = Context(prec=28, Emax=6144, Emin=-6143)
_ROUND_LIMIT = 1000


def _rounded(rounding: str) -> Run:
    def run(env: Env, focus: Nodes) -> Nodes:
        value = numeric(focus)
        if value is None:
            return EMPTY
        return (
            whole_number(value.to_integral_value(rounding=rounding)) if value.is_finite() else EMPTY
        )

    return run


def _real(of: Callable[[Decimal], Decimal]) -> Run:
    def run(env: Env, focus: Nodes) -> Nodes:
        value = numeric(focus)
        try:
            return EMPTY if value is None else _finite(of(value))
        except ArithmeticFailure:
            return EMPTY

    return run


def _finite(value: Decimal) -> Nodes:
    return decimal(value) if value.is_finite() else EMPTY


def _abs(env: Env, focus: Nodes) -> Nodes:
    node = single(focus)
    if node is None or node.value is None:
        return EMPTY
    value = number(node.value.get("value")) if is_quantity(node) else numeric(focus)
    return EMPTY if value is None else focus if value >= 0 else negative(focus)


def _log(env: Env, focus: Nodes, base: Nodes) -> Nodes:
    value, of = numeric(focus), numeric(base)
    if value is None or of is None or value <= 0 or of <= 0 or of == 1:
        return EMPTY
    try:
        return _finite(_CONTEXT.divide(_CONTEXT.ln(value), _CONTEXT.ln(of)).normalize())
    except ArithmeticFailure:
        return EMPTY


def _power(env: Env, focus: Nodes, exponent: Nodes) -> Nodes:
    value, size = numeric(focus), numeric(exponent)
    if value is None or size is None:
        return EMPTY
    try:
        found = _CONTEXT.power(value, size)
    except ArithmeticFailure:
        return EMPTY
    both = isinstance(focus[0].value, int) and isinstance(exponent[0].value, int) and size >= 0
    return whole_number(found) if both else _finite(found)


def _round(env: Env, focus: Nodes, places: Nodes | None = None) -> Nodes:
    value = numeric(focus)
    digits = (whole(places) if places is not None else 0) or 0
    if value is None or not 0 <= digits <= _ROUND_LIMIT:
        return EMPTY
    if -int(value.as_tuple().exponent) <= digits:
        return decimal(value)
    try:
        return decimal(value.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP))
    except ArithmeticFailure:
        return EMPTY


FUNCTIONS: Declarations = {
    "abs": (_abs, ""),
    "ceiling": (_rounded(ROUND_CEILING), ""),
    "floor": (_rounded(ROUND_FLOOR), ""),
    "truncate": (_rounded(ROUND_DOWN), ""),
    "exp": (_real(lambda value: _CONTEXT.exp(value)), ""),
    "ln": (_real(lambda value: _CONTEXT.ln(value)), ""),
    "sqrt": (_real(lambda value: _CONTEXT.sqrt(value)), ""),
    "log": (_log, "v"),
    "power": (_power, "v"),
    "round": (_round, "?v"),
}
