"""`_filter`: searches with and, or, not and comparisons. FHIR R4 3.1.3 (search_filter.html).

`and` and `or` bind alike, from left to right, as the specification says.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from fhir_server.errors import InvalidParameter, NotSupported
from fhir_server.search.criteria import And, Chain, Clause, Criterion, Not, Or
from fhir_server.search.parameters import Offer, criterion

DEPTH_LIMIT = 20
"""Nested parentheses of a filter."""

_TOKEN = re.compile(
    r"""\s*(?:
    (?P<string>"(?:[^"\\]|\\.)*")
    |(?P<sign>[()\[\]])
    |(?P<word>[^\s()\[\]"]+)
    )""",
    re.VERBOSE,
)
_ORDERED = frozenset({"date", "number", "quantity"})
_COMPARED = frozenset({"eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap", "po"})
_ON_TEXT = {"eq": "is", "sw": None, "ew": "ends", "co": "contains"}
_ON_CODES = {"ss": "below", "sb": "above", "in": "in", "ni": "not-in"}
_OPERATORS = _COMPARED | set(_ON_TEXT) | set(_ON_CODES) | {"pr", "re"}


@dataclass
class _Tokens:
    texts: list[str]
    position: int = 0

    def peek(self) -> str:
        return self.texts[self.position] if self.position < len(self.texts) else ""

    def take(self) -> str:
        found = self.peek()
        if not found:
            raise InvalidParameter("_filter ends too early.")
        self.position += 1
        return found

    def expect(self, sign: str) -> None:
        if self.take() != sign:
            raise InvalidParameter(f"_filter lacks a {sign}.")


def parse_filter(text: str, offer: Offer) -> Criterion:
    """The criterion of a filter. Raises `InvalidParameter` and `NotSupported`."""
    tokens = _Tokens(_tokenise(text))
    found = _expression(tokens, offer, 0)
    if tokens.peek():
        raise InvalidParameter("_filter goes on after its end: and, or, or a bracket is missing.")
    return found


def _tokenise(text: str) -> list[str]:
    texts, position = [], 0
    while text[position:].strip():
        match = _TOKEN.match(text, position)
        if match is None:
            raise InvalidParameter("_filter has a string that does not end.")
        texts.append(match[0].strip())
        position = match.end()
    return texts


def _expression(tokens: _Tokens, offer: Offer, depth: int) -> Criterion:
    if depth > DEPTH_LIMIT:
        raise InvalidParameter(f"_filter is nested over {DEPTH_LIMIT} levels.")
    left = _term(tokens, offer, depth)
    while (word := tokens.peek()) in ("and", "or"):
        tokens.take()
        right = _term(tokens, offer, depth)
        left = And((left, right)) if word == "and" else Or((left, right))
    return left


def _term(tokens: _Tokens, offer: Offer, depth: int) -> Criterion:
    word = tokens.take()
    if word == "not" and tokens.peek() == "(":
        return Not(_bracket(tokens, offer, depth))
    if word == "(":
        tokens.position -= 1
        return _bracket(tokens, offer, depth)
    return _comparison(word, tokens, offer, depth)


def _bracket(tokens: _Tokens, offer: Offer, depth: int) -> Criterion:
    tokens.expect("(")
    inner = _expression(tokens, offer, depth + 1)
    tokens.expect(")")
    return inner


def _comparison(path: str, tokens: _Tokens, offer: Offer, depth: int) -> Criterion:
    head, dot, rest = path.partition(".")
    if dot:
        return _through(head, offer, lambda inner, at: _comparison(rest, at, inner, depth), tokens)
    if tokens.peek() == "[":
        return _through(path, offer, lambda inner, at: _filtered(at, inner, depth), tokens)
    operator, value = tokens.take(), tokens.take()
    return _leaf(path, operator, value, offer)


def _filtered(tokens: _Tokens, offer: Offer, depth: int) -> Criterion:
    """`subject[name co "x"].gender eq male`: both of one and the same subject."""
    tokens.expect("[")
    condition = _expression(tokens, offer, depth + 1)
    tokens.expect("]")
    rest = tokens.take()
    if not rest.startswith("."):
        raise InvalidParameter("_filter lacks a . and a parameter after ].")
    return And((condition, _comparison(rest[1:], tokens, offer, depth)))


def _through(head: str, offer: Offer, inner_of: object, tokens: _Tokens) -> Criterion:
    """A chain: the rest is read once for every type that the reference may point at."""
    assert callable(inner_of)
    # The chain parser finds the targets; `_id` is on all of them.
    chain = criterion(f"{head}._id", "x", offer)
    if not isinstance(chain, Chain):
        raise InvalidParameter("_filter has a chain through what is no reference.")
    inner: dict[str, Criterion] = {}
    refused: NotSupported | None = None
    start, end = tokens.position, tokens.position
    for target in chain.inner:
        tokens.position = start
        try:
            inner[target] = inner_of(offer.on(target), tokens)
            end = tokens.position
        except NotSupported as error:
            refused = error
    if not inner:
        raise refused or NotSupported("_filter has a chain that cannot be followed.")
    tokens.position = end
    return replace(chain, inner=inner)


def _leaf(code: str, operator: str, value: str, offer: Offer) -> Criterion:
    if operator not in _OPERATORS:
        raise InvalidParameter(f"_filter knows these operators: {', '.join(sorted(_OPERATORS))}.")
    found = criterion(code, "x", offer)
    if not isinstance(found, Clause) or found.modifier is not None:
        raise InvalidParameter("_filter takes parameters without modifiers.")
    text = _value(value)
    kind = found.parameter.type
    if operator == "pr":
        wanted = {"true": "false", "false": "true"}.get(text)
        if wanted is None:
            raise InvalidParameter("_filter: pr takes true or false.")
        return replace(found, modifier="missing", values=(wanted,))
    if kind in _ORDERED and operator in _COMPARED:
        return replace(found, values=(operator + text,))
    if operator == "ne":
        return Not(_leaf(code, "eq", value, offer))
    if kind == "token" and operator in _ON_CODES:
        return replace(found, modifier=_ON_CODES[operator], values=(text,))
    if kind in ("string", "uri") and operator in _ON_TEXT:
        modifier = _ON_TEXT[operator]
        if kind == "uri" and operator in ("eq", "sw"):
            modifier = None if operator == "eq" else "starts"
        return replace(found, modifier=modifier, values=(text,))
    if operator == "eq" or (operator == "re" and kind == "reference"):
        return replace(found, values=(text,))
    raise NotSupported(f"_filter: {operator} does not go with {code[:64]}, which is a {kind}.")


def _value(text: str) -> str:
    if text.startswith('"'):
        text = re.sub(r"\\(.)", r"\1", text[1:-1])
        # What is quoted is one value whatever is in it.
        return re.sub(r"([\\,$])", r"\\\1", text)
    return text
