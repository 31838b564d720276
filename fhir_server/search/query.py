"""A search as asked for: parsed, checked against what is offered, nothing ignored in silence.

FHIR R4 3.1.1. Unknown parameters, modifiers and values are refused; with `lenient`
(`Prefer: handling=lenient`) unknown parameters are left out and named.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from fhir_server.definitions.elements import resource_types
from fhir_server.definitions.search_parameters import SearchParameter
from fhir_server.errors import InvalidParameter, NotSupported
from fhir_server.search.registry import offered

RESULT_PARAMETERS = frozenset(
    {"_count", "_sort", "_summary", "_total", "_format", "_pretty", "_cursor"}
)
_MODIFIERS = {
    "token": {"missing", "not"},
    "reference": {"missing"},
    "string": {"missing", "exact"},
    "uri": {"missing"},
    "date": {"missing"},
}
_PREFIXES = ("eq", "ne", "gt", "lt", "ge", "le", "sa", "eb")
_NEWEST_FIRST = ("-_lastUpdated",)
_OLDEST_FIRST = ("_lastUpdated",)


@dataclass(frozen=True)
class Clause:
    """One parameter with the values any of which will do. `modifier` may be a resource type."""

    parameter: SearchParameter
    modifier: str | None
    values: tuple[str, ...]


@dataclass(frozen=True)
class SearchQuery:
    """A checked search. All clauses must hold. `used` is what the self link says."""

    type: str
    clauses: tuple[Clause, ...] = ()
    count: str | None = None
    cursor: str | None = None
    oldest_first: bool = False
    count_only: bool = False
    total: bool = False
    used: tuple[tuple[str, str], ...] = ()
    ignored: tuple[str, ...] = field(default=())


def parse(
    type: str, parameters: Sequence[tuple[str, str]], *, lenient: bool = False
) -> SearchQuery:
    """Parse a query string's pairs. Raises `InvalidParameter` and `NotSupported`."""
    clauses: list[Clause] = []
    used: list[tuple[str, str]] = []
    ignored: list[str] = []
    results: dict[str, str] = {}
    for name, value in parameters:
        if name in RESULT_PARAMETERS:
            if results.setdefault(name, value) != value:
                raise InvalidParameter(f"{name} stands twice with different values.")
        else:
            clause = _clause(type, name, value, lenient)
            if clause is None:
                ignored.append(name)
                continue
            clauses.append(clause)
        if name != "_cursor":
            used.append((name, value))
    return SearchQuery(
        type=type,
        clauses=tuple(clauses),
        count=results.get("_count"),
        cursor=results.get("_cursor"),
        oldest_first=_oldest_first(results.get("_sort")),
        count_only=_count_only(results.get("_summary")),
        total=_total(results.get("_total")),
        used=tuple(used),
        ignored=tuple(ignored),
    )


def _clause(type: str, name: str, value: str, lenient: bool) -> Clause | None:
    code, _, modifier = name.partition(":")
    if "." in name or code == "_has":
        raise NotSupported("Chained searches are not offered.")
    if code in ("_include", "_revinclude"):
        raise NotSupported("_include and _revinclude are not offered.")
    parameter = offered(type).get(code)
    if parameter is None:
        if lenient:
            return None
        raise NotSupported(
            f"{type} cannot be searched by {code[:64]}. It can by: {', '.join(offered(type))}."
        )
    _check_modifier(parameter, modifier)
    values = tuple(split(value, ","))
    if not all(values):
        # An empty alternative would match every resource that has the element.
        raise InvalidParameter(f"{name[:64]} has no value, or none between two commas.")
    return Clause(parameter, modifier or None, values)


def _check_modifier(parameter: SearchParameter, modifier: str) -> None:
    if not modifier:
        return
    known = set() if parameter.code in ("_id", "_lastUpdated") else _MODIFIERS[parameter.type]
    if modifier in known:
        return
    if parameter.type == "reference" and modifier in (parameter.targets or resource_types()):
        return
    raise NotSupported(
        f"{parameter.code} does not take the modifier :{modifier[:64]}. "
        + (f"It takes: {', '.join(sorted(known))}." if known else "It takes none.")
    )


def split(text: str, separator: str) -> list[str]:
    r"""Split at unescaped separators. `\,` `\|` `\$` `\\` stand for themselves (R4 3.1.1.4.1.1)."""
    parts, current, escaped = [], "", False
    for character in text:
        if escaped:
            current += character if character == separator else f"\\{character}"
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
    """Take the remaining escapes away."""
    return re.sub(r"\\([,|$\\])", r"\1", text)


def prefix_of(value: str) -> tuple[str, str]:
    """The comparison prefix of a date or number, `eq` when there is none, and the rest."""
    if value[:2].isalpha():
        if value[:2] not in _PREFIXES:
            raise NotSupported(
                f"The prefix {value[:2]} is not offered; these are: {', '.join(_PREFIXES)}."
            )
        return value[:2], value[2:]
    return "eq", value


def _oldest_first(text: str | None) -> bool:
    if text is None or text in _NEWEST_FIRST:
        return False
    if text in _OLDEST_FIRST:
        return True
    raise NotSupported("_sort takes _lastUpdated or -_lastUpdated.")


def _count_only(text: str | None) -> bool:
    if text in (None, "false"):
        return False
    if text == "count":
        return True
    raise NotSupported("_summary takes count or false.")


def _total(text: str | None) -> bool:
    if text in (None, "none"):
        return False
    if text in ("accurate", "estimate"):  # an exact count is a fine estimate
        return True
    raise InvalidParameter("_total takes none, estimate or accurate.")
