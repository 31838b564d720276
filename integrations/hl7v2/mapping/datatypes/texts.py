"""ST, TX, FT, NM, SI and ID as FHIR primitives."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from fhir_server.resource import ExactDecimal
from integrations.hl7v2.mapping.context import Context
from integrations.hl7v2.mapping.datatypes.registry import Use, converts
from integrations.hl7v2.mapping.values import Parts, component, whole

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?")
_TRUE, _FALSE = ("Y", "1", "T", "TRUE"), ("N", "0", "F", "FALSE")
_DIGITS_LIMIT = 18


@converts(("ST", "NM"), ("string", "markdown"), (1,))
def text(parts: Parts, context: Context, use: Use) -> str | None:
    """The whole value: separators in a text that nobody escaped belong to it."""
    return "^".join("&".join(held) for held in parts).strip() or None


@converts(("ST", "CWE", "NM"), ("uri", "url", "canonical"), (1,))
def uri(parts: Parts, context: Context, use: Use) -> str | None:
    """An address; one with blanks is no URI."""
    value = whole(parts)
    if any(letter.isspace() for letter in value):
        context.problem("an address with blanks")
        return None
    return value or None


@converts(("NM", "ST"), "decimal", (1,))
def decimal(parts: Parts, context: Context, use: Use) -> Any:
    """A number with the digits that were sent."""
    return number(component(parts, 1), context)


@converts(("NM", "ST", "CQ"), ("integer", "unsignedInt", "positiveInt"), (1,))
def integer(parts: Parts, context: Context, use: Use) -> int | None:
    """A whole number of 31 bits."""
    value = component(parts, 1)
    try:
        found = int(Decimal(value)) if _NUMBER.fullmatch(value) and len(value) < 32 else None
    except ArithmeticError:
        found = None
    if found is None or not -(2**31) <= found < 2**31 or Decimal(value) != found:
        if value:
            context.problem("no whole number")
        return None
    return found


@converts(("ST", "NM"), ("unsignedInt",), (1,))
def unsigned(parts: Parts, context: Context, use: Use) -> int | None:
    """A whole number from 0."""
    value = integer(parts, context, use)
    if value is not None and value < 0:
        context.problem("a number below 0")
        return None
    return value


@converts(("ST", "NM"), ("positiveInt",), (1,))
def positive(parts: Parts, context: Context, use: Use) -> int | None:
    """A whole number from 1."""
    value = integer(parts, context, use)
    if value is not None and value < 1:
        context.problem("a number below 1")
        return None
    return value


@converts(("CWE", "ST"), "boolean", (1,))
def boolean(parts: Parts, context: Context, use: Use) -> bool | None:
    """Y or N (table 0136)."""
    value = component(parts, 1).upper()
    if value in _TRUE:
        return True
    if value in _FALSE:
        return False
    if value:
        context.problem("neither Y nor N")
    return None


def number(value: str, context: Context) -> Any:
    """`value` as a decimal; None with a problem noted when it is no number."""
    if not value:
        return None
    if not _NUMBER.fullmatch(value) or len(value) > _DIGITS_LIMIT:
        context.problem("no number")
        return None
    return exact(value)


def exact(value: str) -> Any:
    """A number in the form of JSON, with the digits as sent. `value` is one."""
    plain = value.lstrip("+")
    return int(plain) if plain.isdigit() and (plain[0] != "0" or plain == "0") else _exact(plain)


def _exact(text: str) -> ExactDecimal:
    """The digits as sent, in a form that JSON knows: no leading zeros, a digit before the point."""
    if text[0] in "123456789" and text[-1] != "." and "e" not in text and "E" not in text:
        return ExactDecimal(text)
    sign, digits = ("-", text[1:]) if text[0] == "-" else ("", text)
    digits = digits.lstrip("0") or "0"
    if digits[0] in ".eE":
        digits = "0" + digits
    if digits.endswith("."):
        digits += "0"
    return ExactDecimal(sign + digits.replace(".e", ".0e").replace(".E", ".0E"))
