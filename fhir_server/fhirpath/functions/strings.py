"""Strings: N1 5.6, with those of the continuous build that R4 definitions came to use."""

from __future__ import annotations

import html
import re
from base64 import b64decode, b64encode
from collections.abc import Callable
from functools import lru_cache

import re2

from fhir_server.fhirpath.errors import EvaluationError
from fhir_server.fhirpath.functions.declaration import Declarations, Run
from fhir_server.fhirpath.node import EMPTY, Nodes, boolean, integer, string
from fhir_server.fhirpath.scope import Env
from fhir_server.fhirpath.singletons import TEXT_LIMIT, checked, text, whole, written


def _one(of: Callable[[str], Nodes]) -> Run:
    """A function of the focus alone; nothing of nothing."""

    def run(env: Env, focus: Nodes) -> Nodes:
        value = text(focus)
        return EMPTY if value is None else of(value)

    return run


def _two(of: Callable[[str, str], Nodes]) -> Run:
    """A function of the focus and one string; nothing when either is missing."""

    def run(env: Env, focus: Nodes, argument: Nodes) -> Nodes:
        value, other = text(focus), text(argument)
        return EMPTY if value is None or other is None else of(value, other)

    return run


def _substring(env: Env, focus: Nodes, start: Nodes, length: Nodes | None = None) -> Nodes:
    value, first = text(focus), whole(start)
    if value is None or first is None or not 0 <= first < len(value):
        return EMPTY
    size = whole(length) if length is not None else None
    return string(value[first:] if size is None else value[first : first + max(size, 0)])


def _replace(env: Env, focus: Nodes, pattern: Nodes, substitution: Nodes) -> Nodes:
    value, old, new = text(focus), text(pattern), text(substitution)
    if value is None or old is None or new is None:
        return EMPTY
    if len(value) + (value.count(old) * len(new)) > TEXT_LIMIT:
        raise EvaluationError("The expression makes a text that is too long.")
    return string(value.replace(old, new))


@lru_cache(maxsize=512)
def _pattern(regex: str) -> re.Pattern[str]:
    """Compiled by RE2, which takes time by the length of the text only.

    Whoever stores a SearchParameter chooses the expression, and by `re` one of `(a+)+$` would hold
    every request up for years. RE2 has no look-around and no back-references.
    """
    options = re2.Options()
    options.dot_nl, options.log_errors = True, False
    try:
        compiled: re.Pattern[str] = re2.compile(regex, options)
    except re2.error:
        raise EvaluationError("This is no regular expression.") from None
    return compiled


def _replace_matches(env: Env, focus: Nodes, regex: Nodes, substitution: Nodes) -> Nodes:
    value, pattern, new = text(focus), text(regex), text(substitution)
    if value is None or pattern is None or new is None:
        return EMPTY
    template = re.sub(r"\$(\d+)", r"\\g<\1>", new.replace("\\", "\\\\"))
    try:
        return string(checked(_pattern(pattern).sub(template, value)))
    except (re2.error, IndexError):
        raise EvaluationError("The substitution names a group that is not there.") from None


def _split(value: str, separator: str) -> Nodes:
    parts = value.split(separator) if separator else list(value)
    return [node for part in parts for node in string(part)]


def _join(env: Env, focus: Nodes, separator: Nodes | None = None) -> Nodes:
    between = (text(separator) if separator is not None else "") or ""
    parts = [written(node.value) or "" for node in focus]
    return string(checked(between.join(parts))) if focus else EMPTY


def _encode(value: str, form: str) -> Nodes:
    raw = value.encode("utf-8", "replace")
    if form == "hex":
        return string(raw.hex())
    if form in ("base64", "urlbase64"):
        return string(b64encode(raw, b"-_" if form[0] == "u" else None).decode())
    return EMPTY


def _decode(value: str, form: str) -> Nodes:
    try:
        if form == "hex":
            return string(bytes.fromhex(value).decode())
        if form in ("base64", "urlbase64"):
            return string(b64decode(value, b"-_" if form[0] == "u" else None).decode())
    except ValueError:
        return EMPTY
    return EMPTY


def _escape(value: str, form: str) -> Nodes:
    if form == "html":
        return string(html.escape(value))
    return string(value.replace("\\", "\\\\").replace('"', '\\"')) if form == "json" else EMPTY


def _unescape(value: str, form: str) -> Nodes:
    if form == "html":
        return string(html.unescape(value))
    return string(re.sub(r"\\(.)", r"\1", value)) if form == "json" else EMPTY


FUNCTIONS: Declarations = {
    "indexOf": (_two(lambda value, other: integer(value.find(other))), "v"),
    "lastIndexOf": (_two(lambda value, other: integer(value.rfind(other))), "v"),
    "substring": (_substring, "v?v"),
    "startsWith": (_two(lambda value, other: boolean(value.startswith(other))), "v"),
    "endsWith": (_two(lambda value, other: boolean(value.endswith(other))), "v"),
    "contains": (_two(lambda value, other: boolean(other in value)), "v"),
    "upper": (_one(lambda value: string(value.upper())), ""),
    "lower": (_one(lambda value: string(value.lower())), ""),
    "trim": (_one(lambda value: string(value.strip())), ""),
    "length": (_one(lambda value: integer(len(value))), ""),
    "toChars": (_one(lambda value: [node for part in value for node in string(part)]), ""),
    "replace": (_replace, "vv"),
    "matches": (_two(lambda value, regex: boolean(bool(_pattern(regex).search(value)))), "v"),
    "matchesFull": (
        _two(lambda value, regex: boolean(bool(_pattern(regex).fullmatch(value)))),
        "v",
    ),
    "replaceMatches": (_replace_matches, "vv"),
    "split": (_two(_split), "v"),
    "join": (_join, "?v"),
    "encode": (_two(_encode), "v"),
    "decode": (_two(_decode), "v"),
    "escape": (_two(_escape), "v"),
    "unescape": (_two(_unescape), "v"),
}
