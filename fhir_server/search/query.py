"""A search as asked for: parsed, checked against what is offered, nothing ignored in silence.

FHIR R4 3.1.1. Unknown parameters, modifiers and values are refused; with `lenient`
(`Prefer: handling=lenient`) unknown parameters are left out and named.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from fhir_server.definitions.elements import resource_types
from fhir_server.errors import InvalidParameter, NotSupported
from fhir_server.search.criteria import Criterion, Inclusion, SortKey
from fhir_server.search.filter_expression import parse_filter
from fhir_server.search.parameters import Offer, criterion
from fhir_server.search.registry import Registry
from fhir_server.search.result_parameters import (
    ONCE,
    RESULT_PARAMETERS,
    inclusion,
    refuse_contained,
    sort_keys,
    switch,
    total_mode,
)

NEWEST_FIRST = (SortKey("_lastUpdated", descending=True),)


@dataclass(frozen=True)
class SearchQuery:
    """A checked search. All criteria must hold. `used` is what the self link says.

    No type means every type; `type` is the only one, or empty.
    """

    types: tuple[str, ...]
    criteria: tuple[Criterion, ...] = ()
    sort: tuple[SortKey, ...] = NEWEST_FIRST
    inclusions: tuple[Inclusion, ...] = ()
    count: str | None = None
    cursor: str | None = None
    summary: str | None = None
    elements: str | None = None
    total: str = "none"
    explain: bool = False
    used: tuple[tuple[str, str], ...] = ()
    ignored: tuple[str, ...] = field(default=())

    @property
    def type(self) -> str:
        """The type searched, empty where there are several."""
        return self.types[0] if len(self.types) == 1 else ""

    @property
    def count_only(self) -> bool:
        """Whether only the number of matches is asked for."""
        return self.summary == "count" or self.count == "0"


def parse(
    type: str | None,
    parameters: Sequence[tuple[str, str]],
    *,
    lenient: bool = False,
    registry: Registry | None = None,
) -> SearchQuery:
    """Parse a query string's pairs. Raises `InvalidParameter` and `NotSupported`.

    Without `type` the search is on the whole system, or on those that `_type` names.
    """
    types = (type,) if type else _types(parameters)
    offer = Offer(registry or Registry(), types)
    criteria: list[Criterion] = []
    used: list[tuple[str, str]] = []
    ignored: list[str] = []
    for name, value in parameters:
        plain = name.partition(":")[0]
        if plain == "_type" and not type:
            used.append((name, value))
        elif plain == "_filter" and name == plain:
            criteria.append(parse_filter(value, offer))
            used.append((name, value))
        elif plain in RESULT_PARAMETERS:
            used.append((name, value))
        else:
            found = criterion(name, value, offer, lenient=lenient)
            if found is None:
                ignored.append(name[:64])
                continue
            criteria.append(found)
            used.append((name, value))
    results = _results(parameters)
    refuse_contained(results)
    return SearchQuery(
        types=types,
        criteria=tuple(criteria),
        sort=sort_keys(results.get("_sort"), offer) or NEWEST_FIRST,
        inclusions=tuple(
            inclusion(name, value, offer)
            for name, value in parameters
            if name.partition(":")[0] in ("_include", "_revinclude")
        ),
        count=results.get("_count"),
        cursor=results.get("_cursor"),
        summary=results.get("_summary"),
        elements=results.get("_elements"),
        total=total_mode(results.get("_total")),
        explain=switch("_explain", results.get("_explain")),
        used=tuple(pair for pair in used if pair[0] not in ("_cursor", "_explain")),
        ignored=tuple(ignored),
    )


def _types(parameters: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    found: list[str] = []
    for name, value in parameters:
        if name == "_type":
            found += value.split(",")
    for one in found:
        if one not in resource_types():
            raise InvalidParameter("_type takes names of FHIR R4 resource types.")
    return tuple(dict.fromkeys(found))


def _results(parameters: Sequence[tuple[str, str]]) -> dict[str, str]:
    results: dict[str, str] = {}
    for name, value in parameters:
        if name not in ONCE:
            if name.partition(":")[0] in ONCE:
                raise NotSupported(f"{name.partition(':')[0]} does not take a modifier.")
            continue
        if results.setdefault(name, value) != value:
            raise InvalidParameter(f"{name} stands twice with different values.")
    return results
