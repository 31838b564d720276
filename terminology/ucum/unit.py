"""Units as exact numbers: a factor, base dimensions and, for temperatures, an offset.

Source: The Unified Code for Units of Measure 2.2, on the semantics of units.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

# The longest exact constant of the table has 65 digits (pi), 216 bits; 4,096 bits leave room for
# ten of them and stop a code like Ym99.Ym99.Ym99 before it costs time.
_LARGEST_BITS = 4096
_BASE_ORDER = {code: place for place, code in enumerate(("g", "m", "s", "K", "C", "cd", "rad"))}


class NotAUnit(ValueError):
    """The text is not a unit of the table in the grammar of UCUM, or is out of all proportion."""


@dataclass(frozen=True)
class Unit:
    """`base value = value * factor + offset`, in the product of `dimensions` (code, exponent).

    `linear` is False for units on a logarithmic or other scale, which no factor describes.
    """

    factor: Fraction
    dimensions: tuple[tuple[str, int], ...] = ()
    offset: Fraction = Fraction(0)
    linear: bool = True

    @property
    def special(self) -> bool:
        """Not on a ratio scale, so without a meaning in a product (UCUM, special units)."""
        return not self.linear or self.offset != 0

    def scaled(self, prefix: Fraction) -> Unit:
        """The unit with a metric prefix: 1 mCel is a thousandth of a degree above 0 Cel."""
        return Unit(_bounded(self.factor * prefix), self.dimensions, self.offset, self.linear)

    def times(self, other: Unit) -> Unit:
        """The product."""
        factor = _bounded(self.factor * other.factor)
        dimensions = _sum(self.dimensions + other.dimensions)
        return Unit(factor, dimensions, linear=not (self.special or other.special))

    def power(self, exponent: int) -> Unit:
        """The unit raised to a whole number."""
        if exponent == 1:
            return self
        size = max(self.factor.numerator.bit_length(), self.factor.denominator.bit_length())
        if size * abs(exponent) > _LARGEST_BITS * 2:
            raise NotAUnit
        dimensions = _sum((code, power * exponent) for code, power in self.dimensions)
        return Unit(_bounded(self.factor**exponent), dimensions, linear=not self.special)

    @property
    def code(self) -> str:
        """The canonical unit: a UCUM code such as `g.m-3`, or `1` for a pure number."""
        parts = [base if power == 1 else f"{base}{power}" for base, power in self.dimensions]
        return ".".join(parts) or "1"


def number(value: Fraction | int) -> Unit:
    """A pure number as a unit. Raises `NotAUnit` for 0, which nothing can be measured in."""
    if value == 0:
        raise NotAUnit
    return Unit(_bounded(Fraction(value)))


def _bounded(factor: Fraction) -> Fraction:
    if max(factor.numerator.bit_length(), factor.denominator.bit_length()) > _LARGEST_BITS:
        raise NotAUnit
    return factor


def _sum(dimensions: Iterable[tuple[str, int]]) -> tuple[tuple[str, int], ...]:
    total: dict[str, int] = {}
    for code, power in dimensions:
        total[code] = total.get(code, 0) + power
    ordered = sorted(total, key=lambda code: (_BASE_ORDER.get(code, len(_BASE_ORDER)), code))
    return tuple((code, total[code]) for code in ordered if total[code])
