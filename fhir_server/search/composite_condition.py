"""A composite value, `code$value`, as a MongoDB filter. FHIR R4 3.1.1.4.14."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fhir_server.definitions.search_parameters import SearchParameter, parameters_of
from fhir_server.errors import InvalidParameter
from fhir_server.search.comparisons import amount_bounds, date_bounds
from fhir_server.search.criteria import Clause
from fhir_server.search.text import BEYOND, key
from fhir_server.search.values import split

if TYPE_CHECKING:
    from fhir_server.search.conditions import Scope

Filter = dict[str, Any]
KeysOf = Callable[[Clause, str, "Scope"], list[str]]


def composite_filter(clause: Clause, value: str, scope: Scope, keys_of: KeysOf) -> Filter:
    """All components met by one element. Raises `InvalidParameter`."""
    parameter = clause.parameter
    parts = split(value, "$")
    if len(parts) != len(parameter.components) or not all(parts):
        names = "$".join(one.code for one in component_parameters(parameter, scope))
        raise InvalidParameter(f"{parameter.code} takes {names}.")
    wanted = [
        _component(position, Clause(one, None, (part,)), part, scope, keys_of)
        for position, (one, part) in enumerate(
            zip(component_parameters(parameter, scope), parts, strict=True)
        )
    ]
    return {"c": {"$elemMatch": {"p": parameter.code, "$and": wanted}}}


def component_parameters(parameter: SearchParameter, scope: Scope) -> list[SearchParameter]:
    """The parameters that a composite joins."""
    by_url = {one.url: one for type in scope.types for one in parameters_of(type).values()}
    return [by_url[url] for url, _ in parameter.components]


def _component(position: int, clause: Clause, part: str, scope: Scope, keys_of: KeysOf) -> Filter:
    kind, code = clause.parameter.type, clause.parameter.code
    if kind == "date":
        return _ranged(f"{position}", date_bounds(code, part, scope.now))
    if kind in ("number", "quantity"):
        forms = [_ranged(f"{position}{form}", b) for form, b in amount_bounds(code, part)]
        return forms[0] if len(forms) == 1 else {"$or": forms}
    if kind == "string":
        (text,) = keys_of(clause, part, scope)
        start = f"{position}{text.removeprefix(code)}"
        return {"k": {"$elemMatch": {"$gte": start, "$lt": start + BEYOND}}}
    made = [f"{position}{key(one.removeprefix(code))}" for one in keys_of(clause, part, scope)]
    return {"k": made[0] if len(made) == 1 else {"$in": made}}


def _ranged(name: str, bounds: Filter) -> Filter:
    return {"r": {"$elemMatch": {"p": name, **bounds}}}
