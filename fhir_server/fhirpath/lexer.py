"""Tokens of FHIRPath. Source: FHIRPath N1 grammar, http://hl7.org/fhirpath/N1/grammar.html"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from fhir_server.fhirpath.errors import InvalidExpression

LENGTH_LIMIT = 20_000
"""Characters of an expression; the longest of US Core has 1,100."""

Kind = Literal["name", "quoted", "string", "number", "date", "time", "symbol", "constant", "end"]

_TIME = r"\d\d(:\d\d(:\d\d(\.\d+)?)?)?"
_TOKEN = re.compile(
    rf"""(?P<space>\s+|//[^\n]*|/\*.*?\*/)
    |(?P<time>@T{_TIME})
    |(?P<date>@\d{{4}}(-\d\d(-\d\d)?)?(T({_TIME})?(Z|[+-]\d\d:\d\d)?)?)
    |(?P<number>\d+(\.\d+)?)
    |(?P<constant>%(vs-[A-Za-z0-9.-]+|ext-[A-Za-z0-9.-]+|[A-Za-z_]\w*
        |`(\\.|[^`\\])*`|'(\\.|[^'\\])*'|"(\\.|[^"\\])*"))
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*|\$(this|index|total)\b)
    |(?P<quoted>`(\\.|[^`\\])*`)
    |(?P<string>'(\\.|[^'\\])*')
    |(?P<symbol><=|>=|!=|!~|[-+*/&|=~<>.,(){{}}\[\]])
    """,
    re.VERBOSE | re.DOTALL | re.ASCII,
)
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_ESCAPES = {"r": "\r", "n": "\n", "t": "\t", "f": "\f"}


@dataclass(frozen=True)
class Token:
    """One token: for names and strings `text` is without quotes and escapes."""

    kind: Kind
    text: str
    position: int


def tokens(text: str) -> list[Token]:
    """The tokens of `text`, the last of kind `end`. Raises `InvalidExpression`."""
    if len(text) > LENGTH_LIMIT:
        raise InvalidExpression(f"An expression has at most {LENGTH_LIMIT} characters", 0)
    found: list[Token] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise InvalidExpression("This is no FHIRPath", position)
        kind = next((name for name in _KINDS if match[name] is not None), None)
        if kind is not None:
            found.append(Token(kind, _content(kind, match[0], position), position))
        position = match.end()
    found.append(Token("end", "", position))
    return found


_KINDS: tuple[Kind, ...] = (
    "name", "symbol", "string", "number", "constant", "quoted", "date", "time"
)  # fmt: skip


def _content(kind: Kind, text: str, position: int) -> str:
    if kind == "constant":
        return _unquoted(text[1:], position) if text[1] in "`'\"" else text[1:]
    if kind in ("quoted", "string"):
        return _unquoted(text, position)
    return text


def _unquoted(text: str, position: int) -> str:
    def escape(match: re.Match[str]) -> str:
        code = match[1]
        if len(code) == 5:
            return chr(int(code[1:], 16))
        if code.isalnum() and code not in _ESCAPES:
            raise InvalidExpression("A backslash stands before what needs none", position)
        return _ESCAPES.get(code, code)

    return _ESCAPE.sub(escape, text[1:-1])
