"""The condition of a row: a few words about fields, compiled to a function.

    PV1-45 not valued and PV1-2.1 != "P"
    OBX-2 in ("NM", "SN") or count(OBX-5) > 1
    trigger in ("A03", "A13")
    CX.5 = "SN"                         component 5 of the repetition at hand

The words of the HL7 v2-to-FHIR tables (`IF`, `IS VALUED`, `EQUALS`, `LST.COUNT GREATER THAN 1`,
`A AND B VALUED`) mean the same and are read too. Comparisons are case-sensitive, keywords are not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol


class Fields(Protocol):
    """What a condition asks about."""

    def text(self, path: FieldPath) -> str:
        """The first repetition's text there, "" when there is none."""

    def count(self, path: FieldPath) -> int:
        """How many repetitions the field has."""

    def word(self, name: str) -> str:
        """`trigger`, `family` or `version` of the message."""


Condition = Callable[[Fields], bool]


class ConditionError(ValueError):
    """A condition that cannot be read; the text says where."""


@dataclass(frozen=True, slots=True)
class FieldPath:
    """`PID-5.1.2`, or `CX.5` with field 0: a component of the repetition at hand."""

    segment: str
    field: int
    component: int = 0
    subcomponent: int = 0
    where: str = ""  # the same as `Segment.text` takes it


_FIELD = re.compile(r"([A-Z][A-Z0-9]{2})[-.](\d+)(?:\.(\d+))?(?:\.(\d+))?$")
_PART = re.compile(r"([A-Z]{2,3})\.(\d+)(?:\.(\d+))?$")
_TOKEN = re.compile(
    r"\s*(?:(?P<text>\"[^\"]*\"|'[^']*')|(?P<op><=|>=|!=|=|>|<|\(|\)|,)"
    r"|(?P<word>[A-Za-z][A-Za-z0-9_]*(?:[-.][0-9A-Za-z]+)*)|(?P<number>\d+))"
)
_SEGMENT_LIKE = {"ORC", "RXA", "OBX", "OBR", "PID", "PV1", "MSH"}


def field_path(text: str) -> FieldPath:
    """`PID-5.1` as a path. Raises `ConditionError`."""
    part = _PART.match(text)
    if part and part[1] not in _SEGMENT_LIKE:
        return FieldPath("", 0, int(part[2]), int(part[3] or 0))
    found = _FIELD.match(text)
    if not found:
        raise ConditionError(f"{text!r} names no field; write it as PID-5 or PID-5.1")
    where = ".".join(part for part in found.groups()[1:] if part)
    return FieldPath(found[1], int(found[2]), int(found[3] or 0), int(found[4] or 0), where)


def compile_condition(text: str) -> Condition:
    """`text` as a function. Raises `ConditionError` when it cannot be read."""
    return _Parser(text).whole()


class _Parser:
    def __init__(self, text: str) -> None:
        self._source = text
        self._tokens = list(_tokens(text))
        self._at = 0

    def whole(self) -> Condition:
        condition = self._either()
        if self._at < len(self._tokens):
            raise self._error()
        return condition

    def _either(self) -> Condition:
        parts = [self._both()]
        while self._take("or"):
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else _any(parts)

    def _both(self) -> Condition:
        parts = [self._one()]
        while self._take("and"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else _all(parts)

    def _one(self) -> Condition:
        self._take("if")
        if self._take("not"):
            return _not(self._one())
        if self._take("("):
            inside = self._either()
            self._expect(")")
            return inside
        if self._take("count"):
            return self._counted()
        return self._test(self._next())

    def _counted(self) -> Condition:
        self._expect("(")
        path = field_path(self._next())
        self._expect(")")
        return _count(path, self._operator(), self._number())

    def _test(self, name: str) -> Condition:
        if name in ("trigger", "family", "version"):
            return self._compare(lambda fields: fields.word(name))
        path = field_path(name)
        if self._take("lst.count", "count"):
            return _count(path, self._operator(), self._number())
        if self._take("length"):
            operator, number = self._operator(), self._number()
            return lambda fields: _holds(len(fields.text(path)), operator, number)
        if self._peek() in ("and", "or"):
            return self._shared(path)
        return self._compare(lambda fields: fields.text(path))

    def _shared(self, path: FieldPath) -> Condition:
        """`A` of `A and B valued`, where the test of B is that of A too."""
        following = [token.lower() for token in self._tokens[self._at + 2 : self._at + 4]]
        return _not(_valued(path)) if "not" in following else _valued(path)

    def _compare(self, value: Callable[[Fields], str]) -> Condition:
        self._take("is")
        negated = self._take("not")
        condition = self._comparison(value)
        return _not(condition) if negated else condition

    def _comparison(self, value: Callable[[Fields], str]) -> Condition:
        if self._take("valued"):
            return lambda fields: value(fields) != ""
        if self._take("empty"):
            return lambda fields: value(fields) == ""
        if self._take("in"):
            allowed = self._list()
            return lambda fields: value(fields) in allowed
        if self._take("!="):
            other = self._value()
            return lambda fields: value(fields) != other(fields)
        self._take("equals", "equal", "=", "is")
        other = self._value()
        return lambda fields: value(fields) == other(fields)

    def _value(self) -> Callable[[Fields], str]:
        token = self._next()
        if token[0] in "\"'":
            literal = token[1:-1]
            return lambda fields: literal
        path = field_path(token)
        return lambda fields: fields.text(path)

    def _list(self) -> frozenset[str]:
        self._expect("(")
        held = set()
        while not self._take(")"):
            token = self._next()
            if token[0] not in "\"'":
                raise ConditionError(f"a list holds texts in quotes, not {token!r}")
            held.add(token[1:-1])
            self._take(",")
        return frozenset(held)

    def _operator(self) -> str:
        if self._take("greater"):
            self._expect("than")
            return ">"
        if self._take("less"):
            self._expect("than")
            if self._take("or"):
                self._take("equals", "equal")
                return "<="
            return "<"
        if self._take("equals", "equal"):
            return "="
        return self._next()

    def _number(self) -> int:
        token = self._next()
        if not token.isdigit():
            raise self._error()
        return int(token)

    def _peek(self) -> str:
        return self._tokens[self._at].lower() if self._at < len(self._tokens) else ""

    def _next(self) -> str:
        if self._at >= len(self._tokens):
            raise self._error()
        self._at += 1
        return self._tokens[self._at - 1]

    def _take(self, *words: str) -> bool:
        if self._peek() in words:
            self._at += 1
            return True
        return False

    def _expect(self, word: str) -> None:
        if not self._take(word):
            raise self._error()

    def _error(self) -> ConditionError:
        rest = " ".join(self._tokens[self._at :]) or "the end"
        return ConditionError(f"condition {self._source!r} is not understood at: {rest}")


def _tokens(text: str) -> Iterable[str]:
    at = 0
    while at < len(text.rstrip()):
        found = _TOKEN.match(text, at)
        if not found:
            raise ConditionError(f"condition {text!r} is not understood at: {text[at:]}")
        yield found[0].strip()
        at = found.end()


def _valued(path: FieldPath) -> Condition:
    return lambda fields: fields.text(path) != ""


def _not(condition: Condition) -> Condition:
    return lambda fields: not condition(fields)


def _any(parts: list[Condition]) -> Condition:
    return lambda fields: any(part(fields) for part in parts)


def _all(parts: list[Condition]) -> Condition:
    return lambda fields: all(part(fields) for part in parts)


def _count(path: FieldPath, operator: str, number: int) -> Condition:
    if operator not in _OPERATORS:
        raise ConditionError(f"{operator!r} compares nothing; write =, >, <, >= or <=")
    return lambda fields: _holds(fields.count(path), operator, number)


_OPERATORS: dict[str, Callable[[int, int], bool]] = {
    "=": lambda a, b: a == b,
    ">": lambda a, b: a > b,
    "<": lambda a, b: a < b,
    ">=": lambda a, b: a >= b,
    "<=": lambda a, b: a <= b,
}


def _holds(value: int, operator: str, number: int) -> bool:
    return _OPERATORS[operator](value, number)
