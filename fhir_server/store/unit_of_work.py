"""All writing: one MongoDB transaction, its resources, their history and their outbox rows."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.errors import DuplicateKeyError

from fhir_server.clock import Clock, Ids
from fhir_server.errors import (
    PreconditionFailed,
    ResourceGone,
    ResourceNotFound,
    VersionConflict,
)
from fhir_server.resource import Resource
from fhir_server.search.extraction import Indexer
from fhir_server.store.binary_content import BinaryContent
from fhir_server.store.connection import Database
from fhir_server.store.custom_parameters import moved
from fhir_server.store.documents import (
    StoredResource,
    from_document,
    serialise,
    stamp,
    to_document,
)

_SILENT = {"AuditEvent"}
"""Types whose writes leave no `fhir` row: nobody subscribes to the record of every access."""


class UnitOfWork:
    """One open transaction. Made by `MongoStore.transact`, gone when its body returns.

    Every method may raise pymongo's transient errors, on which the whole body runs again: a body
    has no effect outside the unit.
    """

    def __init__(
        self,
        database: Database,
        session: AsyncClientSession,
        *,
        indexer: Indexer,
        content: BinaryContent,
        clock: Clock,
        ids: Ids,
        row_ids: Ids,
    ) -> None:
        self.database = database
        self.session = session
        self._indexer = indexer
        self._content = content
        self._clock = clock
        self._ids = ids
        self._row_ids = row_ids

    async def find(self, type: str, id: str) -> StoredResource | None:
        """The newest version, a deletion included, as this transaction sees it."""
        document = await self.database["resources"].find_one(
            {"_id": f"{type}/{id}"}, session=self.session
        )
        return from_document(document) if document else None

    async def read(self, type: str, id: str) -> StoredResource:
        """The current version. Raises `ResourceNotFound` or `ResourceGone`."""
        return present(await self.find(type, id), type, id)

    async def create(self, resource: Resource) -> StoredResource:
        """Store a new resource under its id, or a new one if it has none.

        Raises `VersionConflict` when the id is taken.
        """
        id = resource.get("id") or self._ids()
        if await self.find(resource["resourceType"], id) is not None:
            raise VersionConflict(f"{resource['resourceType']}/{id} exists already.")
        return await self._write(resource, id, None, "create")

    async def update(self, resource: Resource, *, if_match: int | None = None) -> StoredResource:
        """Store the next version of an existing resource.

        Raises `PreconditionFailed` when `if_match` is not the current version, and
        `ResourceNotFound` when there is none. A deleted resource comes back.
        """
        type, id = resource["resourceType"], resource["id"]
        current = await self.find(type, id)
        _check_version(current, if_match)
        if current is None:
            raise ResourceNotFound(f"{type}/{id} does not exist.")
        return await self._write(resource, id, current, "update")

    async def put(self, resource: Resource, *, if_match: int | None = None) -> StoredResource:
        """Create the resource under its id or store its next version, whichever applies."""
        current = await self.find(resource["resourceType"], resource["id"])
        _check_version(current, if_match)
        kind = "create" if current is None else "update"
        return await self._write(resource, resource["id"], current, kind)

    async def delete(self, type: str, id: str, *, if_match: int | None = None) -> StoredResource:
        """Mark a resource deleted; its versions stay. Deleting twice changes nothing.

        Raises `ResourceNotFound` and `PreconditionFailed`.
        """
        current = await self.find(type, id)
        _check_version(current, if_match)
        if current is None:
            raise ResourceNotFound(f"{type}/{id} does not exist.")
        if current.deleted:
            return current
        gone = replace(
            current,
            version=current.version + 1,
            last_updated=self._now(current),
            raw=b"",
            deleted=True,
            blob=None,
        )
        await self._swap(gone, {"k": [], "r": [], "pat": None}, current, "delete")
        return gone

    async def emit(self, topic: str, *, partition: str, type: str, data: dict[str, Any]) -> None:
        """Leave an outbox row that exists only if this transaction commits."""
        row = {
            "_id": self._row_ids(),
            "topic": topic,
            "partition": partition,
            "type": type,
            "data": data,
            "at": self._clock(),
        }
        await self.database["outbox"].insert_one(row, session=self.session)

    async def _write(
        self, resource: Resource, id: str, current: StoredResource | None, kind: str
    ) -> StoredResource:
        version = current.version + 1 if current else 1
        now = self._now(current)
        stamped = stamp(resource, id, version, now)
        entry = self._indexer.index(stamped, now)
        slim, blob = await self._content.detach(stamped)
        stored = StoredResource(
            type=stamped["resourceType"],
            id=id,
            version=version,
            last_updated=now,
            raw=serialise(slim),
            blob=blob,
        )
        index = entry.fields()
        await self._swap(stored, index, current, kind)
        return stored

    def _now(self, current: StoredResource | None) -> datetime:
        # One millisecond apart at least: history is ordered by lastUpdated, also within a burst.
        now = self._clock()
        return max(now, current.last_updated + timedelta(milliseconds=1)) if current else now

    async def _swap(
        self,
        stored: StoredResource,
        index: dict[str, Any],
        current: StoredResource | None,
        kind: str,
    ) -> None:
        shared = to_document(stored)
        document = {"_id": stored.reference, **shared, **index}
        resources = self.database["resources"]
        try:
            if current is None:
                await resources.insert_one(document, session=self.session)
            else:
                swapped = await resources.replace_one(
                    {"_id": stored.reference, "v": current.version},
                    document,
                    session=self.session,
                )
                if swapped.matched_count == 0:
                    raise VersionConflict(f"{stored.reference} was changed at the same time.")
        except DuplicateKeyError:
            raise VersionConflict(f"{stored.reference} was created at the same time.") from None
        await self.database["history"].insert_one(
            {"_id": f"{stored.reference}/{stored.version}", **shared, "kind": kind},
            session=self.session,
        )
        if stored.type == "SearchParameter":
            await moved(self.database, self.session)
        if stored.type not in _SILENT:
            await self.emit(
                "fhir",
                partition=index["pat"] or stored.reference,
                type=kind,
                data={"resource": stored.reference, "version": stored.version},
            )


def present(found: StoredResource | None, type: str, id: str) -> StoredResource:
    """`found` if it is there and not deleted. Raises `ResourceNotFound` or `ResourceGone`."""
    if found is None:
        raise ResourceNotFound(f"{type}/{id} does not exist.")
    if found.deleted:
        raise ResourceGone(
            f"{type}/{id} was deleted; its history is at {type}/{id}/_history.",
            headers={"ETag": found.etag},
        )
    return found


def _check_version(current: StoredResource | None, if_match: int | None) -> None:
    if if_match is None:
        return
    if current is None:
        raise PreconditionFailed("If-Match names a version, but the resource does not exist.")
    if current.version != if_match:
        raise PreconditionFailed(
            f"{current.reference} is at version {current.version}, not {if_match}: "
            "read it again and repeat the change."
        )
