"""Quantities in canonical units, exactly.

Source: The Unified Code for Units of Measure 2.2; http://hl7.org/fhir/R4/search.html#quantity.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from functools import cache, lru_cache

from terminology.ucum.grammar import evaluate
from terminology.ucum.table import Atom, table
from terminology.ucum.unit import NotAUnit, Unit

# 34 digits are what IEEE 754 decimal128, and so MongoDB's Decimal128, holds. Rounding happens once,
# on the exact result, so quantities that are equal stay equal.
_CONTEXT = Context(prec=34, rounding=ROUND_HALF_EVEN)
# Decimal128 ends at 6,144; beyond 1,000 the exact fraction of 1e999999 would itself cost seconds.
_LARGEST_EXPONENT = 1000
_CODES_CACHED = 4096

# Kelvin at 0 of each affine scale (UCUM, special units); no other special function is linear.
_ZERO_POINTS = {
    "Cel": Fraction("273.15"),
    "degF": Fraction("459.67") * 5 / 9,
    "degRe": Fraction("273.15"),
}


def canonical(value: Decimal, code: str) -> tuple[Decimal, str] | None:
    """`value` of the UCUM unit `code` in base units, and their code (`g.m-3`; `1` for numbers).

    Exact, then rounded to 34 significant digits. None when `code` is no UCUM code, when its scale
    is not linear (pH, bel, neper and other special units, or a temperature inside a product), or
    when the size is beyond 1e1000. Never raises.
    """
    unit = _unit(code)
    if unit is None or not unit.linear or not value.is_finite():
        return None
    if abs(value.adjusted()) > _LARGEST_EXPONENT:
        return None
    exact = Fraction(value) * unit.factor + unit.offset
    return _CONTEXT.divide(Decimal(exact.numerator), Decimal(exact.denominator)), unit.code


def valid(code: str) -> bool:
    """Whether `code` is a UCUM code (case-sensitive variant)."""
    return _unit(code) is not None


@lru_cache(maxsize=_CODES_CACHED)
def _unit(code: str) -> Unit | None:
    try:
        return evaluate(code, _simple_unit)
    except NotAUnit:
        return None


@cache
def _atom_unit(code: str) -> Unit:
    atom = table().atoms[code]
    if atom.unit is None or (atom.arbitrary and atom.unit == "1"):
        return Unit(Fraction(1), ((code, 1),))
    return _defined(atom, evaluate(atom.unit, _simple_unit))


def _defined(atom: Atom, unit: Unit) -> Unit:
    scaled = unit.scaled(atom.value)
    if atom.function is None:
        return scaled
    zero = _ZERO_POINTS.get(atom.function)
    return Unit(scaled.factor, scaled.dimensions, zero or Fraction(0), linear=zero is not None)


def _simple_unit(text: str) -> Unit:
    atoms = table().atoms
    if text in atoms:
        return _atom_unit(text)
    for prefix, factor in table().prefixes.items():
        atom = text[len(prefix) :]
        if text.startswith(prefix) and atom in atoms and atoms[atom].metric:
            return _atom_unit(atom).scaled(factor)
    raise NotAUnit
