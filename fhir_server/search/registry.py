"""Which search parameters each type has, and how each is found in a resource."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache

from fhir_server.definitions.search_parameters import SearchParameter, parameters_of
from fhir_server.search.composites import Composite, composite
from fhir_server.search.evaluated import Evaluated, compile_evaluated
from fhir_server.search.path import Walker, compile_path
from fhir_server.search.targets import targets

ON_DOCUMENT = frozenset({"_id", "_lastUpdated"})
"""Parameters answered from the document's own fields, without keys."""

_SOUND = "phonetic"

Indexed = tuple[str, str, Walker | Evaluated]
"""Code, kind (a SearchParamType, or `phonetic`) and walker."""


class Registry:
    """The parameters of R4, and those that SearchParameter resources here add to them.

    `custom` are indexed; of them a search may use those in `ready`, whose older resources were
    indexed too.
    """

    def __init__(
        self,
        custom: Mapping[str, Iterable[SearchParameter]] | None = None,
        ready: Iterable[str] = (),
    ) -> None:
        self._custom = {type: tuple(own) for type, own in (custom or {}).items()}
        self._ready = frozenset(ready)
        self._offered: dict[str, Mapping[str, SearchParameter]] = {}
        self._walkers: dict[str, tuple[Indexed, ...]] = {}

    def offered(self, type: str) -> Mapping[str, SearchParameter]:
        """The parameters that a search on `type` may use, by code, with their targets there."""
        if type not in self._offered:
            own = [one for one in self._custom.get(type, ()) if one.url in self._ready]
            self._offered[type] = {**{one.code: one for one in own}, **_built_in(type)}
        return self._offered[type]

    def pending(self, type: str) -> frozenset[str]:
        """Codes of parameters that are being indexed and cannot be searched by yet."""
        own = self._custom.get(type, ())
        return frozenset(one.code for one in own if one.url not in self._ready)

    def walkers(self, type: str) -> tuple[Indexed, ...]:
        """What to index of a resource of `type`, composites apart."""
        if type not in self._walkers:
            own = [_indexed(one, type) for one in self._custom.get(type, ())]
            self._walkers[type] = _built_in_walkers(type) + tuple(one for one in own if one)
        return self._walkers[type]

    def composites(self, type: str) -> tuple[Composite, ...]:
        """The composites of `type`."""
        return _built_in_composites(type)


@cache
def _built_in(type: str) -> dict[str, SearchParameter]:
    return {
        code: replace(one, targets=targets(one, type)) if one.type == "reference" else one
        for code, one in sorted(parameters_of(type).items())
        if code in ON_DOCUMENT or _is_walkable(one, type)
    }


def _is_walkable(parameter: SearchParameter, type: str) -> bool:
    if parameter.type == "composite":
        return composite(parameter, type) is not None
    return compile_path(parameter.expression, type) is not None


@cache
def _built_in_walkers(type: str) -> tuple[Indexed, ...]:
    found = [
        _indexed(one, type)
        for code, one in sorted(parameters_of(type).items())
        if code not in ON_DOCUMENT and one.type != "composite"
    ]
    return tuple(one for one in found if one)


def _indexed(parameter: SearchParameter, type: str) -> Indexed | None:
    expression = parameter.expression
    walker = compile_path(expression, type) or compile_evaluated(expression, type)
    kind = _SOUND if parameter.code == _SOUND else parameter.type
    return None if walker is None else (parameter.code, kind, walker)


@cache
def _built_in_composites(type: str) -> tuple[Composite, ...]:
    found = [
        composite(one, type)
        for _, one in sorted(parameters_of(type).items())
        if one.type == "composite"
    ]
    return tuple(one for one in found if one)
