"""A patient's or encounter's whole record, in an order that pages can be cut from.

First the members of the compartment: the patient or encounter itself, then type by type, newest
first. Then what they refer to outside it, by reference. A place in this order is all that a page
link has to hold, and each resource has one place only.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fhir_server.definitions.search_parameters import compartment
from fhir_server.errors import TooCostly
from fhir_server.interactions.context import Context
from fhir_server.interactions.resolving import Resolver
from fhir_server.interactions.visibility import sees, visible
from fhir_server.operations.references import references_in
from fhir_server.search.care_dates import CareRange, within
from fhir_server.search.criteria import Criterion, Ids, Keys, SortKey
from fhir_server.search.query import NEWEST_FIRST
from fhir_server.store import StoredResource
from fhir_server.store.searching import Match, Position

Filter = dict[str, Any]

_AT_ONCE = 500
_LOOKED_UP = 50
"""References looked up in one query, as in `store.searching`."""


@dataclass(frozen=True)
class Scope:
    """Whose record, and which part. `id` is None for every patient; `patient` is a reference.

    `readable` are the compartment's types that the caller may read, `types` those to answer.
    """

    name: str
    id: str | None
    patient: str | None
    readable: tuple[str, ...]
    types: frozenset[str]
    since: datetime | None = None
    care: CareRange = (None, None)


class Record:
    """The members and the supporting resources of one scope."""

    def __init__(self, scope: Scope, context: Context) -> None:
        self._scope = scope
        self._context = context
        self._searching = context.server.store.searching
        self._session = context.unit.session if context.unit is not None else None
        self._resolver = Resolver(context, context.server.store.now())
        self._all: list[StoredResource] | None = None

    async def members(self, after: Position | None, count: int) -> list[StoredResource]:
        """At most `count` members after the place (type, lastUpdated, reference)."""
        found: list[StoredResource] = []
        for type in self._order():
            if type not in self._scope.types or (after and self._rank(type) < self._rank(after[0])):
                continue
            if len(found) >= count:
                break
            at = after[1:] if after is not None and after[0] == type else None
            found += await self._page(type, at, count - len(found), self._changed())
        if after is None and len(found) < count and self._is_unfiltered():
            self._all = found
        return found

    async def supporting(self, after: str, count: int) -> list[StoredResource]:
        """At most `count` resources outside that members refer to, after the reference `after`."""
        fresh, old = await self._outside()
        found: list[StoredResource] = []
        wanted = [one for one in sorted(fresh | old) if one > after and self._answers(one)]
        for start in range(0, len(wanted), _LOOKED_UP):
            chunk = wanted[start : start + _LOOKED_UP]
            found += [one for one in await self._existing(chunk) if self._is_due(one, fresh)]
            if len(found) >= count:
                break
        return found[:count]

    def _order(self) -> list[str]:
        return sorted(self._scope.readable, key=self._rank)

    def _rank(self, type: object) -> tuple[bool, str]:
        return type != self._scope.name, str(type)

    def _is_unfiltered(self) -> bool:
        return self._scope.since is None and self._scope.types >= frozenset(self._scope.readable)

    def _changed(self) -> list[Filter]:
        return [{"lu": {"$gte": self._scope.since}}] if self._scope.since else []

    async def _page(
        self, type: str, at: Position | None, count: int, conditions: Sequence[Filter]
    ) -> list[StoredResource]:
        first = await self._itself(type, conditions) if at is None else []
        page = await self._searching.page(
            [*await self._stages(type), *conditions],
            NEWEST_FIRST,
            count=count,
            at=None if at is not None and self._is_itself(at) else at,
            session=self._session,
        )
        return [match.stored for match in (*first, *page.matches)][:count]

    async def _itself(self, type: str, conditions: Sequence[Filter]) -> Sequence[Match]:
        """The patient or encounter, which comes before all others of its type."""
        if type != self._scope.name or self._scope.id is None:
            return ()
        own = await visible(self._context, (type,), "r")
        stages = self._resolver.stages((type,), [Ids((self._reference,)), *own])
        page = await self._searching.page(
            [*stages, *conditions], NEWEST_FIRST, count=1, session=self._session
        )
        return page.matches

    @property
    def _reference(self) -> str:
        return f"{self._scope.name}/{self._scope.id}"

    def _is_itself(self, at: Position) -> bool:
        return self._scope.id is not None and at[-1] == self._reference

    async def _stages(self, type: str) -> list[Filter]:
        criteria: list[Criterion] = [*await visible(self._context, (type,), "r")]
        if self._scope.id is not None:
            criteria.append(self._member(type))
        if type == self._scope.name and self._scope.id is not None:
            criteria.append(Ids((self._reference,), negated=True))
        care = within(type, self._scope.care, self._context.server.store.registry)
        if care is not None:
            criteria.append(care)
        stages = self._resolver.stages((type,), criteria)
        # `pat` is set exactly for what is in some patient's compartment.
        return stages if self._scope.id is not None else [*stages, {"pat": {"$gt": ""}}]

    def _member(self, type: str) -> Criterion:
        codes = compartment(self._scope.name).get(type, ())
        forms = (self._reference, f"{self._context.base}/{self._reference}")
        keys = [f"{code}={form}" for code in codes if code != "{def}" for form in forms]
        # Without a parameter nothing but the patient or encounter itself is a member.
        return Keys(tuple(keys)) if keys else Ids(())

    async def _outside(self) -> tuple[set[str], set[str]]:
        """References out of the record: by members in the answer, and by the others.

        Those of the others are due only if they changed since themselves.
        """
        members: set[str] = set()
        fresh: set[str] = set()
        old: set[str] = set()
        since = self._scope.since
        async for one in self._every_member():
            members.add(one.reference)
            due = fresh if since is None or one.last_updated >= since else old
            due.update(references_in(one.raw, self._context.base))
        fresh -= members
        self._bound(fresh | old)
        return fresh, old - members - fresh

    async def _every_member(self) -> AsyncIterator[StoredResource]:
        """All members whatever is asked for, read again unless the first page had them all."""
        for known in self._all or ():
            yield known
        for type in self._order() if self._all is None else ():
            at: Position | None = None
            while True:
                page = await self._page(type, at, _AT_ONCE, ())
                for one in page:
                    yield one
                if len(page) < _AT_ONCE:
                    break
                at = (page[-1].last_updated, page[-1].reference)

    def _bound(self, references: set[str]) -> None:
        # They are sorted in memory: 20,000 by default, about 2 MB.
        limit = 10 * self._context.server.settings.include_limit
        if len(references) > limit:
            raise TooCostly(f"This record refers to over {limit} resources outside it.")

    def _answers(self, reference: str) -> bool:
        return reference.partition("/")[0] in self._scope.types

    def _is_due(self, stored: StoredResource, fresh: set[str]) -> bool:
        since = self._scope.since
        return since is None or stored.reference in fresh or stored.last_updated >= since

    async def _existing(self, references: Sequence[str]) -> list[StoredResource]:
        stages: list[Filter] = [{"_id": {"$in": list(references)}}, {"deleted": False}]
        if self._scope.id is not None:  # what is in another patient's record stays there
            stages.append({"pat": {"$in": [None, self._scope.patient]}})
        page = await self._searching.page(
            stages, _BY_REFERENCE, count=len(references), session=self._session
        )
        found = [one.stored for one in page.matches if await sees(self._context, one.stored, "r")]
        return sorted(found, key=lambda one: one.reference)


_BY_REFERENCE = (SortKey("_id"),)
