"""The grammar of UCUM codes, and what an expression in it amounts to.

    main-term   ['/'] term
    term        component { ('.' | '/') component }        read from the left
    component   (simple-unit [exponent] | factor | '(' term ')') {annotation} | annotation
    simple-unit atom | prefix metric-atom
    annotation  '{' printable ASCII without braces '}'

Source: The Unified Code for Units of Measure 2.2, on the grammar of units. Two things are taken
more widely, because published codes need them: an annotation may follow a number (`/100{WBC}` of
UCUM's table of common units), and may hold spaces (`{# of fetuses}` of the R4 ucum-common).
"""

from __future__ import annotations

import re
from collections.abc import Callable

from terminology.ucum.unit import NotAUnit, Unit, number

SYSTEM = "http://unitsofmeasure.org"
"""The code system URL of UCUM in FHIR."""

# The longest code of the R4 value set ucum-common has 34 characters. Nesting bounds recursion.
_LONGEST = 256
_DEEPEST = 16

_COMPONENT = re.compile(
    r"(?P<unit>10[*^]|(?:[A-Za-z%'_]|\[[!-Z\\^-~]+\])+)(?P<exponent>[+-]?[0-9]+)?"
    r"|(?P<factor>[0-9]+)"
    r"|(?P<open>\()"
)
_ANNOTATION = re.compile(r"(?:\{[ -z|~]+\})+")

Resolve = Callable[[str], Unit]


def evaluate(code: str, resolve: Resolve) -> Unit:
    """The unit that `code` describes; `resolve` gives simple units. Raises `NotAUnit`."""
    if not 0 < len(code) <= _LONGEST:
        raise NotAUnit
    return _Reader(code, resolve).main_term()


class _Reader:
    def __init__(self, code: str, resolve: Resolve) -> None:
        self._code = code
        self._at = 0
        self._depth = 0
        self._resolve = resolve

    def main_term(self) -> Unit:
        unit = number(1).times(self._component().power(-1)) if self._take("/") else None
        unit = self._term(unit)
        if self._at < len(self._code):
            raise NotAUnit
        return unit

    def _term(self, unit: Unit | None = None) -> Unit:
        unit = unit or self._component()
        while True:
            if self._take("."):
                unit = unit.times(self._component())
            elif self._take("/"):
                unit = unit.times(self._component().power(-1))
            else:
                return unit

    def _component(self) -> Unit:
        if self._annotation():
            return number(1)
        match = _COMPONENT.match(self._code, self._at)
        if match is None:
            raise NotAUnit
        self._at = match.end()
        if match["open"]:
            unit = self._parenthesis()
        elif match["factor"]:
            unit = number(int(match["factor"]))
        else:
            unit = self._resolve(match["unit"]).power(int(match["exponent"] or 1))
        self._annotation()
        return unit

    def _parenthesis(self) -> Unit:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise NotAUnit
        unit = self._term()
        if not self._take(")"):
            raise NotAUnit
        self._depth -= 1
        return unit

    def _annotation(self) -> bool:
        match = _ANNOTATION.match(self._code, self._at)
        if match:
            self._at = match.end()
        return match is not None

    def _take(self, character: str) -> bool:
        taken = self._code.startswith(character, self._at)
        self._at += taken
        return taken
