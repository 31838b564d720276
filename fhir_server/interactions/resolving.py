"""Chains, `_has`, lists, compartments, hierarchies and value sets, looked up before the search.

FHIR R4 3.1.1.4.15 to 3.1.1.4.18 and 3.1.3 (compartments). What is looked up is bounded: a search
that would need more is refused as too costly, never cut short in silence.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from fhir_server.auth.access import permit
from fhir_server.definitions.search_parameters import SearchParameter, compartment
from fhir_server.errors import NotSupported, ResourceGone, ResourceNotFound, TooCostly
from fhir_server.interactions.code_lookup import CodeLookup
from fhir_server.interactions.context import Context
from fhir_server.interactions.visibility import require, visible
from fhir_server.search.criteria import (
    RESOLVED_MODIFIERS,
    And,
    Chain,
    Clause,
    Criterion,
    Ids,
    Inside,
    Keys,
    Listed,
    Member,
    Not,
    OfType,
    Or,
    Reverse,
)
from fhir_server.search.hierarchies import parent_parameter
from fhir_server.search.mongo_filter import Filter, to_stages
from fhir_server.search.path import end_types
from fhir_server.search.query import SearchQuery

_LEVELS = 20
"""Deepest hierarchy of locations or organisations that is followed."""


class Resolver:
    """Turns a query into one that a single filter answers."""

    def __init__(self, context: Context, now: datetime) -> None:
        self._context = context
        self._now = now
        self._searching = context.server.store.searching
        self._session = context.unit.session if context.unit is not None else None
        self._limit = context.server.settings.chain_limit
        self._codes = CodeLookup(context)

    async def resolve(self, query: SearchQuery) -> SearchQuery:
        """The query with every criterion resolved. Raises `TooCostly` and `NotSupported`."""
        plain = [one for one in query.criteria if not isinstance(one, Chain)]
        known = [await self._one(one, query.types) for one in plain]
        for one in query.criteria:
            if isinstance(one, Chain):
                known.append(await self._chain(one, query.types, tuple(known)))
        own = await visible(self._context, query.types, "s", known)
        return replace(query, criteria=(*known, *own))

    def stages(self, types: tuple[str, ...], criteria: Sequence[Criterion]) -> list[Filter]:
        """The `$match` stages of resolved criteria."""
        query = SearchQuery(types=types, criteria=tuple(criteria))
        return to_stages(query, self._context.base, self._now)

    async def _one(self, criterion: Criterion, types: tuple[str, ...]) -> Criterion:
        match criterion:
            case Clause(parameter, modifier) if modifier in RESOLVED_MODIFIERS:
                if parameter.type == "token":
                    return await self._codes.clause(criterion)
                if parameter.type == "reference":
                    return await self._hierarchy(criterion, types)
                return criterion
            case Chain():
                return await self._chain(criterion, types, ())
            case Reverse():
                return await self._reverse(criterion, types)
            case Listed(ids):
                return Ids(tuple([one for id in ids for one in await self._entries(id)]))
            case Member(name, id):
                return _member(name, id, types)
            case And(parts):
                return And(tuple([await self._one(part, types) for part in parts]))
            case Or(parts):
                return Or(tuple([await self._one(part, types) for part in parts]))
            case Not(part):
                return Not(await self._one(part, types))
            case _:
                return criterion

    async def _chain(
        self, chain: Chain, types: tuple[str, ...], known: tuple[Criterion, ...]
    ) -> Criterion:
        found: list[str] = []
        inside: list[Criterion] = []
        for type, inner in chain.inner.items():
            permit(self._context.caller, type, "search-type")
            resolved = await self._seen(inner, type)
            stages = self.stages((type,), [resolved])
            references = await self._references(stages)
            if references is None:
                references = await self._from_outside(chain.parameter, type, resolved, types, known)
            found += references
            if not _asks_place(resolved) and await self._contains(
                chain.parameter.code, type, types
            ):
                inside.append(Inside(chain.parameter.code, type, resolved))
            if _is_canonical(chain.parameter, types):
                found += await self._searching.targets(stages, "url", self._limit, self._session)
        self._bound(len(found))
        outside = Keys(tuple(self._forms(chain.parameter.code, found)))
        return Or((outside, *inside)) if inside else outside

    async def _contains(self, code: str, type: str, types: tuple[str, ...]) -> bool:
        """Whether any resource refers by `code` to one of `type` that it contains."""
        stages = self.stages(types, [Keys((f"{code}=#{type}",))])
        return bool(await self._searching.references(stages, 1, self._session))

    async def _seen(self, inner: Criterion, type: str) -> Criterion:
        """The criterion among what the caller may find: a chain tells nothing of the rest."""
        resolved = await self._one(inner, (type,))
        own = await visible(self._context, (type,), "s", (resolved,))
        return And((resolved, *own)) if own else resolved

    async def _references(self, stages: Sequence[Filter]) -> list[str] | None:
        found = await self._searching.references(stages, self._limit + 1, self._session)
        return found if len(found) <= self._limit else None

    async def _from_outside(
        self,
        parameter: SearchParameter,
        type: str,
        inner: Criterion,
        types: tuple[str, ...],
        known: tuple[Criterion, ...],
    ) -> list[str]:
        """The other way round, for an inner search that finds too many.

        What the other criteria leave refers to few resources: of those the inner ones are found.
        """
        if not known:
            raise self._too_costly()
        outside = await self._targets(types, known, parameter.code)
        candidates = Ids(tuple(one for one in outside if one.startswith(f"{type}/")))
        stages = self.stages((type,), [candidates, inner])
        return await self._searching.references(stages, self._limit, self._session)

    async def _reverse(self, reverse: Reverse, types: tuple[str, ...]) -> Criterion:
        permit(self._context.caller, reverse.type, "search-type")
        inner = await self._seen(reverse.inner, reverse.type)
        found = await self._targets((reverse.type,), (inner,), reverse.parameter.code)
        wanted = tuple(f"{type}/" for type in types)
        return Ids(tuple(one for one in found if not wanted or one.startswith(wanted)))

    async def _targets(
        self, types: tuple[str, ...], criteria: tuple[Criterion, ...], code: str
    ) -> list[str]:
        found = await self._searching.targets(
            self.stages(types, criteria), code, self._limit + 1, self._session
        )
        self._bound(len(found))
        base = f"{self._context.base}/"
        return list(dict.fromkeys(one.removeprefix(base) for one in found))

    async def _entries(self, id: str) -> list[str]:
        if id.startswith("$"):
            raise NotSupported("_list takes the id of a List; functional lists are not offered.")
        permit(self._context.caller, "List", "read")
        try:
            stored = await self._context.server.store.read("List", id.removeprefix("List/"))
            await require(self._context, stored, "r")
        except (ResourceNotFound, ResourceGone):
            return []
        entries = stored.resource().get("entry", [])
        kept = [one["item"].get("reference", "") for one in entries if not one.get("deleted")]
        base = f"{self._context.base}/"
        return [one.removeprefix(base).partition("/_history/")[0] for one in kept]

    async def _hierarchy(self, clause: Clause, types: tuple[str, ...]) -> Criterion:
        """`location:below=Location/1`: it and all that is part of it. R4 3.1.1.4.12."""
        if _is_canonical(clause.parameter, types):
            return replace(clause, parameter=replace(clause.parameter, type="uri"))
        found: dict[str, None] = {}
        for value in clause.values:
            for start in _typed(value, clause.parameter):
                type = start.partition("/")[0]
                up = parent_parameter(type)
                if up is None:
                    raise NotSupported(f"{type} has no hierarchy to go up or down.")
                step = self._children if clause.modifier == "below" else self._parents
                level = [start]
                for _ in range(_LEVELS):
                    level = [one for one in level if one not in found]
                    if not level:
                        break
                    found.update(dict.fromkeys(level))
                    level = await step(type, up, level)
                self._bound(len(found))
        return Keys(tuple(self._forms(clause.parameter.code, found)))

    async def _children(self, type: str, up: str, level: list[str]) -> list[str]:
        own = await visible(self._context, (type,), "s")
        stages = self.stages((type,), [Keys(tuple(self._forms(up, level))), *own])
        return await self._references(stages) or []

    async def _parents(self, type: str, up: str, level: list[str]) -> list[str]:
        own = await visible(self._context, (type,), "s")
        return await self._targets((type,), (Ids(tuple(level)), *own), up)

    def _forms(self, code: str, references: Iterable[str]) -> list[str]:
        base = self._context.base
        return [
            form
            for one in references
            for form in (
                (f"{code}={one}", f"{code}={base}/{one}")
                if base and ":" not in one
                else (f"{code}={one}",)
            )
        ]

    def _bound(self, size: int) -> None:
        if size > self._limit:
            raise self._too_costly()

    def _too_costly(self) -> TooCostly:
        return TooCostly(
            f"A chain, _has or hierarchy of this search goes through over {self._limit} resources. "
            "Narrow what is inside it, or search the other way round."
        )


def _typed(value: str, parameter: SearchParameter) -> list[str]:
    if "/" in value:
        return [value]
    return [f"{type}/{value}" for type in sorted(parameter.targets) if parent_parameter(type)]


def _is_canonical(parameter: SearchParameter, types: tuple[str, ...]) -> bool:
    return any("canonical" in end_types(parameter.expression, type) for type in types)


def _asks_place(criterion: Criterion) -> bool:
    """Whether `near` is in it, which is computed from a field of the document itself."""
    match criterion:
        case Clause(parameter):
            return parameter.type == "special"
        case And(parts) | Or(parts):
            return any(_asks_place(part) for part in parts)
        case Not(part):
            return _asks_place(part)
        case _:
            return False


def _member(name: str, id: str, types: tuple[str, ...]) -> Criterion:
    """In the compartment of `name`/`id`: by any of the parameters of CompartmentDefinition."""
    own = f"{name}/{id}"
    parts: list[Criterion] = []
    for type in types:
        codes = compartment(name).get(type, ())
        keys = tuple(f"{code}={own}" for code in codes if code != "{def}")
        inside: list[Criterion] = [Keys(keys)] if keys else []
        if type == name:
            inside.append(Ids((own,)))
        found = inside[0] if len(inside) == 1 else Or(tuple(inside))
        parts.append(found if len(types) == 1 else And((OfType(type), found)))
    return parts[0] if len(parts) == 1 else Or(tuple(parts))
