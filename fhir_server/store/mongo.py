"""The store: reading, searching, and opening transactions. Decision 0002."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from pymongo.asynchronous.client_session import AsyncClientSession

from fhir_server.clock import Clock, Ids, OrderedIds
from fhir_server.dates import Range
from fhir_server.errors import ResourceNotFound
from fhir_server.resource import Resource
from fhir_server.search.extraction import Indexer
from fhir_server.search.registry import Registry
from fhir_server.store.audit_chain import AuditWitness
from fhir_server.store.binary_content import BinaryContent
from fhir_server.store.connection import Database
from fhir_server.store.content_home import ContentHome
from fhir_server.store.custom_parameters import CustomParameters
from fhir_server.store.documents import StoredResource, from_document
from fhir_server.store.encryption import opened
from fhir_server.store.indexes import ensure_indexes
from fhir_server.store.reindexing import Reindexing
from fhir_server.store.searching import Searching
from fhir_server.store.unit_of_work import UnitOfWork, present
from fhir_server.store.versions import Page, Position, current_during, page

Result = TypeVar("Result")


@dataclass(frozen=True)
class Content:
    """Some bytes; `read(start, stop)` gives a part of them in pieces."""

    length: int
    read: Callable[[int, int], AsyncIterator[bytes]]


class MongoStore:
    """All FHIR resources of one database."""

    def __init__(
        self,
        database: Database,
        *,
        clock: Clock,
        ids: Ids,
        witness: AuditWitness | None = None,
        home: ContentHome | None = None,
    ) -> None:
        self.database = database
        self.witness = witness or AuditWitness()
        self._clock = clock
        self._ids = ids
        self._row_ids = OrderedIds()
        self._content = BinaryContent(database, home)
        self.searching = Searching(database)
        self.parameters = CustomParameters(database, clock)
        self.reindexing = Reindexing(database, self.parameters, clock=clock, ids=ids)

    @property
    def registry(self) -> Registry:
        """The search parameters that resources here are indexed by."""
        return self.parameters.registry

    def now(self) -> datetime:
        """The time by the store's clock."""
        return self._clock()

    async def prepare(self) -> None:
        """Create collections and indexes; does nothing where they exist."""
        await ensure_indexes(self.database)

    async def ping(self) -> None:
        """Raises pymongo's error if the server does not answer."""
        await self.database.client.admin.command("ping")

    async def read(self, type: str, id: str) -> StoredResource:
        """The current version. Raises `ResourceNotFound` or `ResourceGone`."""
        found = await self.database["resources"].find_one({"_id": f"{type}/{id}"})
        if found is None:
            return present(None, type, id)
        (document,) = await opened(self.database, "resources", [found])
        return present(from_document(document), type, id)

    async def vread(self, type: str, id: str, version: int) -> StoredResource:
        """One version. Raises `ResourceNotFound`, or `ResourceGone` if it is the deletion."""
        found = await self.database["history"].find_one({"_id": f"{type}/{id}/{version}"})
        if found is None:
            raise ResourceNotFound(f"{type}/{id} has no version {version}.")
        (document,) = await opened(self.database, "history", [found])
        return present(from_document(document), type, id)

    async def patients_of(self, references: Iterable[str]) -> tuple[str, ...]:
        """The patients, as `Patient/p1`, in whose compartments current resources are."""
        ids = list(dict.fromkeys(references))
        found = self.database["resources"].find({"_id": {"$in": ids}}, {"pat": 1})
        patients = [one["pat"] async for one in found]
        return tuple(dict.fromkeys(one for one in patients if one))

    async def whole(self, stored: StoredResource) -> Resource:
        """The parsed resource with data kept in GridFS put back in."""
        return await self._content.attach(stored.resource(), stored.blobs)

    def content(self, stored: StoredResource) -> Content:
        """The bytes of a Binary."""
        if stored.blobs:
            return Content(stored.blobs[0].length, partial(self._content.read, stored.blobs[0]))
        data = base64.b64decode(stored.resource().get("data", ""))

        async def read(start: int, stop: int) -> AsyncIterator[bytes]:
            yield data[start:stop]

        return Content(len(data), read)

    async def move_content(self, stored: StoredResource) -> bool:
        """Move large data to the other home that this store was given; True once all is there.

        Raises `Unavailable` while that home does not take it; then everything stays.
        """
        moved = [await self._content.move(blob) for blob in stored.blobs]
        return bool(moved) and all(moved)

    async def transact(self, body: Callable[[UnitOfWork], Awaitable[Result]]) -> Result:
        """Run `body` in one transaction and return what it returns.

        On a write conflict MongoDB asks for the whole transaction again, so `body` may run more
        than once (pymongo stops after 120 s) and must have no effect but through its unit.
        """
        indexer = Indexer(await self.parameters.refresh())

        async def attempt(session: AsyncClientSession) -> tuple[Result, list[tuple[str, str]]]:
            unit = UnitOfWork(
                self.database,
                session,
                indexer=indexer,
                content=self._content,
                clock=self._clock,
                ids=self._ids,
                row_ids=self._row_ids,
                witness=self.witness,
            )
            return await body(unit), unit.events

        async with self.database.client.start_session() as session:
            result, events = await session.with_transaction(attempt)
        self.witness.wrote(events)
        return result

    async def search(
        self,
        condition: dict[str, Any],
        *,
        count: int,
        after: Position | None = None,
        ascending: bool = False,
        session: AsyncClientSession | None = None,
    ) -> Page:
        """Current resources matching `condition`, by lastUpdated (newest first) and id.

        With `session`, as its transaction sees them.
        """
        return await page(
            self.database,
            "resources",
            condition,
            count=count,
            after=after,
            ascending=ascending,
            session=session,
        )

    async def count(self, condition: dict[str, Any]) -> int:
        """How many current resources match `condition`."""
        return await self.database["resources"].count_documents(condition)

    async def history(
        self,
        condition: dict[str, Any],
        *,
        count: int,
        after: Position | None = None,
        during: Range | None = None,
    ) -> Page:
        """Versions matching `condition`, newest first, deletions included.

        With `during`, only those that were current at some moment of that time.
        """
        if during is not None:
            return await current_during(self.database, condition, during, count=count, after=after)
        return await page(self.database, "history", condition, count=count, after=after)
