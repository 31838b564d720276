"""Parses FHIRPath by operator precedence. Source: FHIRPath N1, section 8 and its grammar."""

from __future__ import annotations

from decimal import Decimal

from fhir_server.fhirpath import type_tree
from fhir_server.fhirpath.errors import InvalidExpression
from fhir_server.fhirpath.lexer import Token, tokens
from fhir_server.fhirpath.moments import is_moment
from fhir_server.fhirpath.node import FALSE, TRUE, Node
from fhir_server.fhirpath.quantities import CALENDAR_UNITS, quantity
from fhir_server.fhirpath.syntax import (
    Binary,
    Call,
    Constant,
    Expr,
    Index,
    Literal,
    Member,
    Path,
    Polarity,
    TypeTest,
    Variable,
)

DEPTH_LIMIT = 100
"""Levels of nesting; the deepest rule of R4 and US Core has 14. Python's own stack bears more."""

SIZE_LIMIT = 400
"""Steps and operators in one row; the longest rule of US Core has 130."""

_PRECEDENCE = {
    "implies": 1,
    "or": 2, "xor": 2,
    "and": 3,
    "in": 4, "contains": 4,
    "=": 5, "~": 5, "!=": 5, "!~": 5,
    "<": 6, ">": 6, "<=": 6, ">=": 6,
    "|": 7,
    "is": 8, "as": 8,
    "+": 9, "-": 9, "&": 9,
    "*": 10, "/": 10, "div": 10, "mod": 10,
}  # fmt: skip
_POLARITY = 11
_KEYWORDS_AS_NAMES = frozenset({"as", "contains", "in", "is"})
_RESERVED = frozenset(_PRECEDENCE) - _KEYWORDS_AS_NAMES | {"true", "false"}


def parse(text: str) -> Expr:
    """The tree of an expression. Raises `InvalidExpression` and nothing else."""
    parser = _Parser(tokens(text))
    tree = parser.expression(0)
    parser.expect_end()
    return tree


class _Parser:
    def __init__(self, found: list[Token]) -> None:
        self._tokens = found
        self._at = 0
        self._depth = 0

    @property
    def _next(self) -> Token:
        return self._tokens[self._at]

    def _take(self) -> Token:
        token = self._tokens[self._at]
        self._at += 1
        return token

    def _takes(self, symbol: str) -> bool:
        if self._next.kind == "symbol" and self._next.text == symbol:
            self._at += 1
            return True
        return False

    def _expect(self, symbol: str) -> None:
        if not self._takes(symbol):
            raise self._error(f"{symbol} is missing")

    def _error(self, problem: str) -> InvalidExpression:
        return InvalidExpression(problem, self._next.position)

    def expect_end(self) -> None:
        if self._next.kind != "end":
            raise self._error("The expression should end here")

    def expression(self, least: int) -> Expr:
        """What binds at least as tightly as `least`."""
        self._depth += 1
        if self._depth > DEPTH_LIMIT:
            raise self._error(f"An expression nests at most {DEPTH_LIMIT} levels")
        left = self._polarity()
        for _ in range(SIZE_LIMIT):
            operator = self._operator()
            if operator is None or _PRECEDENCE[operator] <= least:
                self._depth -= 1
                return left
            self._at += 1
            if operator in ("is", "as"):
                left = TypeTest(operator, left, self._type())
            else:
                left = Binary(operator, left, self.expression(_PRECEDENCE[operator]))
        raise self._error(f"An expression has at most {SIZE_LIMIT} operators in a row")

    def _operator(self) -> str | None:
        token = self._next
        return (
            token.text if token.kind in ("symbol", "name") and token.text in _PRECEDENCE else None
        )

    def _polarity(self) -> Expr:
        if self._next.kind == "symbol" and self._next.text in ("+", "-"):
            return Polarity(self._take().text, self.expression(_POLARITY))
        return self._steps(self._term())

    def _steps(self, left: Expr) -> Expr:
        for _ in range(SIZE_LIMIT):
            if self._takes("."):
                left = Path(left, self._invocation())
            elif self._takes("["):
                left = Index(left, self.expression(0))
                self._expect("]")
            else:
                return left
        raise self._error(f"An expression has at most {SIZE_LIMIT} steps in a row")

    def _term(self) -> Expr:
        token = self._next
        if token.kind == "symbol":
            return self._bracketed()
        if token.kind == "name" and token.text in ("true", "false"):
            return Literal(tuple(TRUE if self._take().text == "true" else FALSE))
        if token.kind == "name" and token.text in _RESERVED:
            raise self._error("An operator stands where a value should")
        if token.kind in ("name", "quoted"):
            return self._invocation()
        self._at += token.kind != "end"
        if token.kind == "constant":
            return Constant(token.text, token.position)
        return Literal((self._literal(token),))

    def _bracketed(self) -> Expr:
        if self._takes("("):
            inner = self.expression(0)
            self._expect(")")
            return inner
        if self._takes("{"):
            self._expect("}")
            return Literal(())
        raise self._error("A value is missing")

    def _literal(self, token: Token) -> Node:
        if token.kind == "string":
            return Node("string", token.text)
        if token.kind == "number":
            return self._number(token)
        if token.kind in ("date", "time"):
            return _moment(token)
        raise InvalidExpression("A value is missing", token.position)

    def _number(self, token: Token) -> Node:
        following = self._next
        if following.kind == "string":
            return quantity(Decimal(token.text), self._take().text)
        if following.kind == "name" and following.text in CALENDAR_UNITS:
            return quantity(Decimal(token.text), self._take().text, calendar=True)
        if "." in token.text:
            return Node("decimal", Decimal(token.text))
        if len(token.text) > 18:
            raise InvalidExpression("A whole number has at most 18 digits", token.position)
        return Node("integer", int(token.text))

    def _invocation(self) -> Member | Call | Variable:
        token = self._next
        if token.kind not in ("name", "quoted"):
            raise self._error("A name is missing")
        self._at += 1
        if token.kind == "name" and token.text[0] == "$":
            return Variable(token.text[1:])
        if not self._takes("("):
            return Member(token.text)
        return Call(token.text, tuple(self._arguments()), token.position)

    def _arguments(self) -> list[Expr]:
        if self._takes(")"):
            return []
        found = [self.expression(0)]
        while self._takes(","):
            found.append(self.expression(0))
        self._expect(")")
        return found

    def _type(self) -> str:
        token = self._next
        if token.kind not in ("name", "quoted"):
            raise self._error("A type is missing")
        name = self._take().text
        if name in ("System", "FHIR") and self._takes("."):
            name = f"{name}.{self._take().text}"
        if not type_tree.known(name):
            raise InvalidExpression("There is no such type", token.position)
        return name


def _moment(token: Token) -> Node:
    if token.kind == "time":
        text, type = token.text[2:], "time"
    else:
        text = token.text[1:].removesuffix("T")
        type = "dateTime" if "T" in token.text else "date"
    if not is_moment(type, text):
        raise InvalidExpression("There is no such date or time", token.position)
    return Node(type, text)
