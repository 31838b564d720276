"""Finding current resources: pages under any order, ids for chains, resources by reference.

Every search runs as an aggregation whose first `$match` is in the form that every planner serves
from an index. Pages are keyset: a page begins where the one before ended, so it costs the same at
any depth, and what is written meanwhile neither repeats nor hides an entry.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.errors import ExecutionTimeout

from fhir_server.errors import TooCostly
from fhir_server.search.criteria import SortKey
from fhir_server.store.connection import Database
from fhir_server.store.documents import StoredResource, from_document
from fhir_server.store.encryption import opened

Filter = dict[str, Any]
Value = str | float | datetime | None
Position = tuple[Value, ...]
"""The sort values of an entry and its `_id`; None where it has no value."""

_CHUNK = 50
"""References looked up at once: SecantusDB compares each document with the whole list."""

_ON_DOCUMENT = {"_id": "id", "_lastUpdated": "lu"}
_SLOW_MS = 30_000


@dataclass(frozen=True)
class Match:
    """A resource found, with the keys it was indexed by."""

    stored: StoredResource
    keys: tuple[str, ...] = ()


@dataclass(frozen=True)
class Found:
    """A page: matches in order, and the positions that the pages around begin at."""

    matches: tuple[Match, ...]
    next: Position | None = None
    previous: Position | None = None


class Searching:
    """The searches of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._resources = database["resources"]

    async def page(
        self,
        stages: Sequence[Filter],
        sort: Sequence[SortKey],
        *,
        count: int,
        at: Position | None = None,
        backwards: bool = False,
        session: AsyncClientSession | None = None,
    ) -> Found:
        """The page after (or, `backwards`, before) the position `at`, at most `count` entries."""
        order = _order(sort, backwards)
        pipeline: list[Filter] = [{"$match": one} for one in stages]
        computed = _computed(sort)
        if computed:
            pipeline.append({"$set": computed})
        if at is not None:
            pipeline.append({"$match": _beyond(order, sort, at)})
        pipeline += [
            {"$sort": dict(order)},
            {"$limit": count + 1},
            {"$project": {"w": 0, "c": 0, "r": 0, "in": 0}},
        ]
        found = await self._run(pipeline, session)
        more, found = len(found) > count, found[:count]
        if backwards:
            found.reverse()
        edges = (_position(found[0], sort), _position(found[-1], sort)) if found else None
        return Found(
            matches=await self._matches(found),
            next=edges[1] if edges and (more or backwards) else None,
            previous=edges[0] if edges and (more if backwards else at is not None) else None,
        )

    async def count(self, stages: Sequence[Filter]) -> int:
        """How many resources match. Raises `TooCostly` when counting takes too long."""
        pipeline: list[Filter] = [*({"$match": one} for one in stages), {"$count": "n"}]
        try:
            found = await self._run(pipeline, None, _SLOW_MS)
        except ExecutionTimeout:
            raise TooCostly(
                "Counting these would take too long; narrow the search or leave _total out."
            ) from None
        return int(found[0]["n"]) if found else 0

    async def references(
        self, stages: Sequence[Filter], limit: int, session: AsyncClientSession | None = None
    ) -> list[str]:
        """`Type/id` of what matches, at most `limit`."""
        pipeline: list[Filter] = [{"$match": one} for one in stages]
        pipeline += [{"$project": {"_id": 1}}, {"$limit": limit}]
        found = await self._run(pipeline, session)
        return [one["_id"] for one in found]

    async def targets(
        self,
        stages: Sequence[Filter],
        code: str,
        limit: int,
        session: AsyncClientSession | None = None,
    ) -> list[str]:
        """What the matching resources refer to by the parameter `code`, at most `limit`."""
        start = f"{code}="
        pipeline: list[Filter] = [
            *({"$match": one} for one in stages),
            {"$project": {"k": 1}},
            {"$unwind": "$k"},
            {"$match": {"k": {"$gte": start, "$lt": f"{code}>"}}},
            {"$group": {"_id": "$k"}},
            {"$limit": limit},
        ]
        found = await self._run(pipeline, session)
        return [one["_id"].removeprefix(start) for one in found]

    async def current(
        self, references: Sequence[str], session: AsyncClientSession | None = None
    ) -> list[Match]:
        """Those of the resources `Type/id` that exist and are not deleted."""
        found: list[Match] = []
        for start in range(0, len(references), _CHUNK):
            wanted = {"_id": {"$in": list(references[start : start + _CHUNK])}}
            pipeline: list[Filter] = [
                {"$match": wanted},
                {"$match": {"deleted": False}},
                {"$project": {"w": 0, "c": 0, "r": 0, "in": 0}},
            ]
            found += await self._matches(await self._run(pipeline, session))
        return found

    async def explain(self, stages: Sequence[Filter]) -> list[int]:
        """How many documents are left after each stage."""
        return [await self.count(stages[: upto + 1]) for upto in range(len(stages))]

    async def _matches(self, documents: list[dict[str, Any]]) -> tuple[Match, ...]:
        return tuple(
            Match(from_document(one), tuple(one.get("k", ())))
            for one in await opened(self._database, "resources", documents)
        )

    async def _run(
        self,
        pipeline: Sequence[Filter],
        session: AsyncClientSession | None,
        limit_ms: int | None = None,
    ) -> list[dict[str, Any]]:
        options: dict[str, Any] = {"maxTimeMS": limit_ms} if limit_ms else {}
        cursor = await self._resources.aggregate(list(pipeline), session=session, **options)
        async with cursor:
            return await cursor.to_list()


def _computed(sort: Sequence[SortKey]) -> Filter:
    """The values sorted by, and whether one is missing: those come last in either direction."""
    fields: Filter = {}
    for position, one in enumerate(sort):
        if one.code in _ON_DOCUMENT:
            continue
        least = f"$s.{one.code}"
        value = {"$ifNull": [f"$z.{one.code}", least]} if one.descending else least
        fields[f"o{position}"] = value
        fields[f"m{position}"] = {"$cond": [{"$eq": [{"$ifNull": [least, None]}, None]}, 1, 0]}
    return fields


def _order(sort: Sequence[SortKey], backwards: bool) -> list[tuple[str, int]]:
    turn = -1 if backwards else 1
    order: list[tuple[str, int]] = []
    for position, one in enumerate(sort):
        direction = (-1 if one.descending else 1) * turn
        if one.code in _ON_DOCUMENT:
            order.append((_ON_DOCUMENT[one.code], direction))
        else:
            order += [(f"m{position}", turn), (f"o{position}", direction)]
    last = -1 if sort and sort[0].descending else 1
    return [*order, ("_id", last * turn)]


def _position(document: dict[str, Any], sort: Sequence[SortKey]) -> Position:
    values = [
        document.get(_ON_DOCUMENT.get(one.code, f"o{position}"))
        for position, one in enumerate(sort)
    ]
    return (*values, document["_id"])


def _beyond(order: Sequence[tuple[str, int]], sort: Sequence[SortKey], at: Position) -> Filter:
    """What comes after `at`: after it by the first field, or equal there and after by the next."""
    values: dict[str, Any] = {"_id": at[-1]}
    for position, one in enumerate(sort):
        if one.code in _ON_DOCUMENT:
            values[_ON_DOCUMENT[one.code]] = at[position]
        else:
            values[f"m{position}"] = 1 if at[position] is None else 0
            values[f"o{position}"] = at[position]
    equal: list[Filter] = []
    cases: list[Filter] = []
    for field, direction in order:
        if values[field] is None:  # missing: all there are equal
            continue
        later = {field: {"$gt" if direction > 0 else "$lt": values[field]}}
        cases.append({"$and": [*equal, later]} if equal else later)
        equal.append({field: values[field]})
    return {"$or": cases}
