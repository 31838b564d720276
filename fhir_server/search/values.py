"""Values in a search: separators, escapes and prefixes. FHIR R4 3.1.1.4.1.1 and 3.1.1.4.5."""

from __future__ import annotations

import re

from fhir_server.errors import InvalidParameter, NotSupported

PREFIXES = ("eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap")


_LONE = re.compile(r"(?<!\\)(?:\\\\)*\\(?![,|$\\])")


def split(text: str, separator: str) -> list[str]:
    r"""Split at unescaped separators; escapes stay. `\,` `\|` `\$` `\\` stand for themselves."""
    parts, current, escaped = [], "", False
    for character in text:
        if escaped:
            current += f"\\{character}"
            escaped = False
        elif character == "\\":
            escaped = True
        elif character == separator:
            parts.append(current)
            current = ""
        else:
            current += character
    return [*parts, current + ("\\" if escaped else "")]


def unescape(text: str) -> str:
    """Take the escapes away. Raises `InvalidParameter` for a backslash that escapes nothing."""
    if "\\" in text and _LONE.search(text):
        raise InvalidParameter(r"A backslash stands before \, | $ or \ only: write \\ for itself.")
    return re.sub(r"\\([,|$\\])", r"\1", text)


def alternatives(name: str, value: str) -> tuple[str, ...]:
    """The values any of which will do. Raises `InvalidParameter` if one is empty.

    An empty alternative would match every resource that has the element.
    """
    values = tuple(split(value, ","))
    if not all(values):
        raise InvalidParameter(f"{name[:64]} has no value, or none between two commas.")
    return values


def prefix_of(value: str) -> tuple[str, str]:
    """The comparison prefix of a date, number or quantity, `eq` without one, and the rest."""
    if value[:2].isalpha() and value[:2].isascii():
        if value[:2] not in PREFIXES:
            raise NotSupported(f"There is no prefix {value[:2]}; these are: {', '.join(PREFIXES)}.")
        return value[:2], value[2:]
    return "eq", value
