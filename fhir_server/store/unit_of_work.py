"""All writing: one MongoDB transaction, its resources, their history and their outbox rows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Literal

from pymongo.asynchronous.client_session import AsyncClientSession

from fhir_server.clock import Clock, Ids
from fhir_server.errors import (
    PreconditionFailed,
    ResourceGone,
    ResourceNotFound,
    VersionConflict,
)
from fhir_server.labels import Label, labelled, labels_in
from fhir_server.resource import Resource
from fhir_server.search.extraction import Indexer
from fhir_server.search.guards import guarded
from fhir_server.store import directives, locks
from fhir_server.store.audit_chain import AuditWitness, digest
from fhir_server.store.binary_content import INLINE_LIMIT, BinaryContent
from fhir_server.store.connection import Database
from fhir_server.store.custom_parameters import moved
from fhir_server.store.documents import (
    STORED,
    Blob,
    StoredResource,
    from_document,
    serialise,
    stamp,
    to_document,
)
from fhir_server.store.encryption import opened
from fhir_server.store.integrity import Judge, dangling, local_references, refuse_referred
from fhir_server.store.sameness import same_content
from fhir_server.store.waiting_writes import WaitingWrites

Method = Literal["POST", "PUT", "PATCH", "DELETE"]
"""What a version came by; history tells it. FHIR R4 3.1.0.7."""

_SILENT = {"AuditEvent"}
"""Types whose writes leave no `fhir` row: nobody subscribes to the record of every access."""

_CHUNK = 200
"""Ids looked up in one command."""


class UnitOfWork:
    """One open transaction. Made by `MongoStore.transact`, gone when its body returns.

    Every method may raise pymongo's transient errors, on which the whole body runs again: a body
    has no effect outside the unit. Each write is sent at once, but for those inside `grouped`.
    `events` are the audit events that it stores, with the SHA-256 of each.
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
        witness: AuditWitness,
    ) -> None:
        self.database = database
        self.session = session
        self._indexer = indexer
        self._content = content
        self._clock = clock
        self._ids = ids
        self._row_ids = row_ids
        self._witness = witness
        self.events: list[tuple[str, str]] = []
        self._known: dict[str, StoredResource | None] = {}
        self._patients: dict[str, str | None] = {}
        self._waiting = WaitingWrites(database, session)
        self._grouping = False
        self._base: str | None = None
        self._judge: Judge | None = None
        self._wanted: list[tuple[str, str]] = []
        self._own: set[str] = set()
        self._removed: list[str] = []

    @asynccontextmanager
    async def grouped(
        self,
        *,
        check_targets: bool = False,
        check_referrers: bool = False,
        base: str = "",
        judge: Judge | None = None,
    ) -> AsyncIterator[None]:
        """Send the writes inside together, at the end of the block.

        With `check_targets`, the local references of what is written, those below `base` too, must
        lead to something at the end; with `check_referrers`, what is deleted must not be referred
        to by what was written that way. A new reference to what `judge` lets nobody know of
        leads nowhere, too. Raises `VersionConflict`.
        """
        self._grouping = True
        self._base = base if check_targets else None
        self._judge = judge
        try:
            yield
            await self.flush()
            await self._check_targets()
            if check_referrers:
                gone = [one for one in self._removed if not self._is_there(one)]
                await refuse_referred(self.database, self.session, gone, judge)
        finally:
            self._grouping = False

    async def flush(self) -> None:
        """Send what waits, so that a search in this transaction sees it."""
        await self._waiting.send()

    async def hold(self, name: str) -> None:
        """Take part in a lock: of the transactions that hold `name` at once, one commits."""
        await locks.hold(self.database, self.session, name, self._clock())

    def new_id(self) -> str:
        """An id that no resource has."""
        return self._ids()

    async def prefetch(self, references: Iterable[str]) -> None:
        """Look up many `Type/id` at once, so that `find` answers without asking."""
        unknown = list(dict.fromkeys(one for one in references if one not in self._known))
        for start in range(0, len(unknown), _CHUNK):
            chunk = unknown[start : start + _CHUNK]
            self._known.update(dict.fromkeys(chunk))
            cursor = self.database["resources"].find(
                {"_id": {"$in": chunk}}, STORED, session=self.session
            )
            for document in await opened(self.database, "resources", await cursor.to_list()):
                self._remember(document)

    def presume_new(self, references: Iterable[str]) -> None:
        """Take it that nothing has these ids, which this server has just made up."""
        self._known.update(dict.fromkeys(references))

    async def find(self, type: str, id: str) -> StoredResource | None:
        """The newest version, a deletion included, as this transaction sees it."""
        reference = f"{type}/{id}"
        if reference not in self._known:
            document = await self.database["resources"].find_one(
                {"_id": reference}, STORED, session=self.session
            )
            self._known[reference] = None
            if document is not None:
                self._remember(*await opened(self.database, "resources", [document]))
        return self._known[reference]

    def _remember(self, document: dict[str, Any]) -> None:
        self._known[document["_id"]] = from_document(document)
        self._patients[document["_id"]] = document.get("pat")

    def patient_of(self, reference: str) -> str | None:
        """The patient, as `Patient/p1`, in whose compartment a resource found or written here is.

        That of a deleted resource is the one it had.
        """
        return self._patients.get(reference)

    def labels_of(self, reference: str) -> tuple[Label, ...]:
        """The security labels of a resource found or written here; of a deleted one none."""
        known = self._known.get(reference)
        return labels_in(known.raw) if known is not None else ()

    async def read(self, type: str, id: str) -> StoredResource:
        """The current version. Raises `ResourceNotFound` or `ResourceGone`."""
        return present(await self.find(type, id), type, id)

    async def create(self, resource: Resource, *, method: Method = "POST") -> StoredResource:
        """Store a new resource under its id, or a new one if it has none.

        Raises `VersionConflict` when the id is taken.
        """
        id = resource.get("id")
        if id is None:
            id = self._ids()
        elif await self.find(resource["resourceType"], id) is not None:
            raise VersionConflict(f"{resource['resourceType']}/{id} exists already.")
        return await self._write(labelled(resource), id, None, "create", method)

    async def update(
        self,
        resource: Resource,
        *,
        if_match: int | None = None,
        method: Method = "PUT",
        relabel: bool = False,
    ) -> StoredResource:
        """Store the next version of an existing resource; the same content makes none.

        With `relabel` the security labels are those given, also where that takes one away.

        Raises `PreconditionFailed` when `if_match` is not the current version, and
        `ResourceNotFound` when there is none. A deleted resource comes back.
        """
        type, id = resource["resourceType"], resource["id"]
        if if_match is None and await self.find(type, id) is None:
            raise ResourceNotFound(f"{type}/{id} does not exist.")
        return await self.put(resource, if_match=if_match, method=method, relabel=relabel)

    async def put(
        self,
        resource: Resource,
        *,
        if_match: int | None = None,
        method: Method = "PUT",
        relabel: bool = False,
    ) -> StoredResource:
        """Create the resource under its id or store its next version, whichever applies.

        Content equal to the current version's makes no new one: the current one is answered.
        """
        current = await self.find(resource["resourceType"], resource["id"])
        _check_version(current, if_match)
        kind = "create" if current is None or current.deleted else "update"
        before = await self._before(current)
        resource = guarded(resource, before)
        if not relabel:
            resource = labelled(resource, before)
        return await self._write(resource, resource["id"], current, kind, method)

    async def _before(self, current: StoredResource | None) -> Resource | None:
        """The content that a write follows; of a deleted resource the last that it had."""
        if current is None or not current.deleted:
            return current.resource() if current is not None else None
        last = await self.database["history"].find_one(
            {"_id": f"{current.reference}/{current.version - 1}"}, session=self.session
        )
        if last is None or not last["raw"]:
            return None
        (readable,) = await opened(self.database, "history", [last])
        return from_document(readable).resource()

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
            blobs=(),
        )
        patient = self._patients.get(current.reference)
        await self._swap(gone, {"k": [], "r": [], "pat": None}, current, "delete", "DELETE")
        self._patients[current.reference] = patient
        self._removed.append(current.reference)
        return gone

    async def emit(self, topic: str, *, partition: str, type: str, data: dict[str, Any]) -> None:
        """Leave an outbox row that exists only if this transaction commits."""
        self._waiting.add(
            "outbox",
            {
                "_id": self._row_ids(),
                "topic": topic,
                "partition": partition,
                "type": type,
                "data": data,
                "at": self._clock(),
            },
        )
        await self._send()

    async def _send(self) -> None:
        if not self._grouping:
            await self.flush()

    async def _write(
        self,
        resource: Resource,
        id: str,
        current: StoredResource | None,
        kind: str,
        method: Method,
    ) -> StoredResource:
        version = current.version + 1 if current else 1
        now = self._now(current)
        stamped = stamp(resource, id, version, now)
        slim, raw = stamped, serialise(stamped)
        blobs: tuple[Blob, ...] = ()
        if len(raw) > INLINE_LIMIT:  # else there is no large data to look for
            slim, blobs = await self._content.detach(stamped)
            raw = serialise(slim) if blobs else raw
        if current is not None and _unchanged(current, slim, blobs):
            return current
        index = self._indexer.index(stamped, now).fields()
        stored = StoredResource(
            type=stamped["resourceType"],
            id=id,
            version=version,
            last_updated=now,
            raw=raw,
            blobs=blobs,
        )
        if self._base is not None and stored.type not in _SILENT:
            references = local_references(stamped, self._base)
            self._wanted += references.items()
            if current is not None and not current.deleted:
                self._own.update(local_references(current.resource(), self._base))
            index = {**index, "refs": list(references)} if references else index
        await self._swap(stored, index, current, kind, method)
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
        method: Method,
    ) -> None:
        reference, shared = stored.reference, to_document(stored)
        document = {"_id": reference, **shared, **index}
        if current is None:
            self._waiting.insert(document)
        else:
            self._waiting.replace(document, current.version)
        version = {"_id": f"{reference}/{stored.version}", **shared}
        self._waiting.add("history", {**version, "kind": kind, "method": method})
        self._known[reference] = stored
        self._own.add(reference)
        self._patients[reference] = index["pat"]
        if stored.type == "SearchParameter":
            await moved(self.database, self.session)
        await directives.note(self.database, self.session, stored, current)
        if stored.type in _SILENT:
            self._pend(reference, digest(stored.raw))
            await self._send()
            return
        await self.emit(
            "fhir",
            partition=index["pat"] or reference,
            type=kind,
            data={"resource": reference, "version": stored.version},
        )

    def _pend(self, reference: str, hash: str) -> None:
        mark = self._witness.mark(reference, hash)
        pending = {"_id": reference, "h": hash, **({"m": mark} if mark else {})}
        self._waiting.add("audit_pending", pending)
        self.events.append((reference, hash))

    async def _check_targets(self) -> None:
        await self.prefetch(reference for reference, _ in self._wanted)
        missing = [one for one in self._wanted if not await self._leads_to(one[0])]
        if missing:
            raise dangling(missing)

    async def _leads_to(self, reference: str) -> bool:
        """Whether a reference leads somewhere for the writer. What was there before may stay."""
        found = self._known.get(reference)
        if found is None or found.deleted:
            return False
        if self._judge is None or reference in self._own:
            return True
        return await self._judge.may_refer(found)

    def _is_there(self, reference: str) -> bool:
        found = self._known.get(reference)
        return found is not None and not found.deleted


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


def _unchanged(current: StoredResource, slim: Resource, blobs: tuple[Blob, ...]) -> bool:
    if current.deleted or current.blobs != blobs:
        return False
    return same_content(current.resource(), slim)


def _check_version(current: StoredResource | None, if_match: int | None) -> None:
    if if_match is None:
        return
    if current is None or current.deleted:
        raise PreconditionFailed("If-Match names a version, but the resource does not exist.")
    if current.version != if_match:
        raise PreconditionFailed(
            f"{current.reference} is at version {current.version}, not {if_match}: "
            "read it again and repeat the change."
        )
