"""Formats and ranges of the primitive types. FHIR R4 2.24.0.1."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from fhir_server.dates import parse_range

STRING_LIMIT = 1024 * 1024
"""Most characters of a string. FHIR R4 2.24.0.1: strings are at most 1 MB."""

_DATE = re.compile(r"\d{4}(-\d\d(-\d\d)?)?", re.ASCII)
# R4 leaves the digits of a second open; R5 says nine, and no clock is finer.
_CLOCK = r"([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d{1,9})?"
_ZONE = r"(Z|[+-]((0\d|1[0-3]):[0-5]\d|14:00))"
_DATE_TIME = re.compile(rf"\d{{4}}(-\d\d(-\d\d(T{_CLOCK}{_ZONE})?)?)?", re.ASCII)
_INSTANT = re.compile(rf"\d{{4}}-\d\d-\d\dT{_CLOCK}{_ZONE}", re.ASCII)
_TIME = re.compile(_CLOCK, re.ASCII)
_SURROGATE = re.compile("[\ud800-\udfff]")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_BLANK = " \t\r\n"
_PATTERNS = {
    "id": re.compile(r"[A-Za-z0-9\-.]{1,64}"),
    "code": re.compile(r"[^\s]+(\s[^\s]+)*", re.ASCII),
    "oid": re.compile(r"urn:oid:[0-2](\.(0|[1-9]\d*))+"),
    "uuid": re.compile(r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"),
    "uri": re.compile(r"\S+", re.ASCII),
    "url": re.compile(r"\S+", re.ASCII),
    "canonical": re.compile(r"\S+", re.ASCII),
    "time": _TIME,
}


def fault(type: str, value: Any) -> str | None:
    """What is wrong with a value of a primitive type, None if nothing. Never quotes the value."""
    return _CHECKS[type](value, type)


def _boolean(value: Any, _: str) -> str | None:
    return None if isinstance(value, bool) else "must be true or false"


def _integer(value: Any, type: str) -> str | None:
    lowest = {"integer": -(2**31), "unsignedInt": 0, "positiveInt": 1}[type]
    if not isinstance(value, int) or isinstance(value, bool):
        return "must be a whole number"
    return None if lowest <= value < 2**31 else f"must lie between {lowest} and {2**31 - 1}"


def _decimal(value: Any, _: str) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return "must be a number"
    return None


def _text(value: Any, type: str) -> str | None:
    if not isinstance(value, str):
        return "must be a string"
    if not value:
        return "must not be empty: leave it out instead"
    if len(value) > STRING_LIMIT and type != "xhtml":  # a narrative is no string of FHIR
        return f"must have at most {STRING_LIMIT} characters"
    if not value.isascii() and _SURROGATE.search(value):
        # JSON can escape one; UTF-8, and so the store, has no form for it.
        return "must not contain half of a surrogate pair"
    if _CONTROL.search(value):
        return "must not contain control characters"
    if type in ("string", "markdown") and not value.strip(_BLANK):
        return "must not be blank"
    return None


def _patterned(value: Any, type: str) -> str | None:
    return _text(value, type) or (
        None if _PATTERNS[type].fullmatch(value) else f"is not a valid {type}"
    )


def _moment(value: Any, type: str) -> str | None:
    pattern = {"date": _DATE, "dateTime": _DATE_TIME, "instant": _INSTANT}[type]
    wrong = _text(value, type)
    if wrong:
        return wrong
    if not pattern.fullmatch(value) or parse_range(value) is None:
        return f"is not a valid {type}"
    return None


def _base64(value: Any, _: str) -> str | None:
    if not isinstance(value, str) or not value:
        return "must be base64"
    try:
        base64.b64decode("".join(value.split()), validate=True)
    except (binascii.Error, ValueError):
        return "must be base64"
    return None


_CHECKS: dict[str, Callable[[Any, str], str | None]] = {
    "boolean": _boolean,
    "integer": _integer,
    "unsignedInt": _integer,
    "positiveInt": _integer,
    "decimal": _decimal,
    "string": _text,
    "markdown": _text,
    "xhtml": _text,
    "date": _moment,
    "dateTime": _moment,
    "instant": _moment,
    "base64Binary": _base64,
    **dict.fromkeys(_PATTERNS, _patterned),
}
