"""FHIR JSON as plain dictionaries, read and written without changing a value.

A float round trip changes 199 of the 860 decimals in the official R4 examples (`72.50` becomes
`72.5`), so decimals keep their source text. Source: FHIR R4 2.6.2 (JSON representation).
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import orjson

from fhir_server.errors import Malformed

_LONGEST_NUMBER = 64
"""The 18 digits that FHIR R4 2.6.2 expects, and room. int(1e999999999) would fill the memory."""

_LARGEST_EXPONENT = 308
"""Of a double, which is what a search compares."""

Resource = dict[str, Any]
"""One FHIR resource in its JSON form."""


class ExactDecimal(Decimal):
    """A decimal that is written out as it was read."""

    text: str

    def __new__(cls, text: str) -> ExactDecimal:
        """Keep `text`, a JSON number, beside its value."""
        self = super().__new__(cls, text)
        self.text = text
        return self


def loads(body: bytes | str) -> Any:
    """Parse JSON strictly: UTF-8, no duplicate keys, no NaN or Infinity, decimals exact.

    Raises `Malformed`; its text names the place, never the content.
    """
    try:
        text = body if isinstance(body, str) else body.decode("utf-8")
        return _DECODER.decode(text)
    except UnicodeDecodeError as error:
        raise Malformed(f"The body is not UTF-8 (byte {error.start}).") from None
    except json.JSONDecodeError as error:
        raise Malformed(
            f"The body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}."
        ) from None
    except RecursionError:
        raise Malformed("The body is nested too deeply.") from None


def dumps(value: Any) -> bytes:
    """Write JSON, compact, in the order the keys came, decimals as they were read."""
    return orjson.dumps(value, default=_fragment)


def indent(body: bytes) -> bytes:
    """The same JSON, indented for people."""
    return orjson.dumps(loads(body), default=_fragment, option=orjson.OPT_INDENT_2)


def _fragment(value: object) -> orjson.Fragment:
    if isinstance(value, ExactDecimal):
        return orjson.Fragment(value.text.encode())
    if isinstance(value, Decimal):
        return orjson.Fragment(str(value).encode())
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        # By a set: to count each of a million names would hold everybody up for hours.
        seen: set[str] = set()
        twice = ""
        for twice, _ in pairs:
            if twice in seen:
                break
            seen.add(twice)
        raise Malformed(f"The key {json.dumps(twice[:64])} stands twice in one object.")
    return members


def _integer(text: str) -> int | ExactDecimal:
    # 18 digits always fit the 64 bits that orjson writes; longer ones keep their text.
    return int(text) if len(text) <= 18 else _decimal(text)


def _decimal(text: str) -> ExactDecimal:
    if len(text) > _LONGEST_NUMBER:
        raise Malformed(f"A number has at most {_LONGEST_NUMBER} characters.")
    made = ExactDecimal(text)
    if made and abs(made.adjusted()) > _LARGEST_EXPONENT:
        raise Malformed(f"A number has at most {_LARGEST_EXPONENT} for its power of ten.")
    return made


def _constant(name: str) -> Any:
    raise Malformed(f"{name} is not a JSON number.")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_float=_decimal,
    parse_int=_integer,
    parse_constant=_constant,
)
