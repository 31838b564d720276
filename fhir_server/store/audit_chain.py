"""The sealed audit trail: blocks of hashes of AuditEvents, each naming the one before.

    audit_pending  {_id: "AuditEvent/a1", h: SHA-256 of its bytes, m: HMAC of the two}, of the
                   event's transaction
    audit_blocks   {_id: 1, 2 ..., previous, at, entries: [[reference, hash]], purged_to, hash}

A block's number is its `_id`, so of two processes that seal at once one succeeds. An event that a
killed process has put into a block and left pending comes into the next one too, which is no fault.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from pymongo.errors import DuplicateKeyError

from fhir_server.errors import EncryptionFault
from fhir_server.store.connection import Database
from fhir_server.store.documents import from_document
from fhir_server.store.encryption import opened

UNPROVEN = ""
"""Stands in a block for the hash of an event whose waiting entry this server did not write."""

LIMIT = 500
"""Most events of one block: 45 kB, far from the 16 MB of a document."""

_RAW = {"k": 0, "r": 0, "c": 0, "s": 0, "z": 0, "w": 0}


@dataclass(frozen=True)
class Block:
    """`entries` are (reference, SHA-256 in hex); events of blocks up to `purged_to` were removed
    because their time of retention was over. `hash` is over all else, see `audit.chain`.
    """

    number: int
    previous: str
    at: datetime
    entries: tuple[tuple[str, str], ...]
    purged_to: int
    hash: str


class AuditWitness:
    """What this process wrote and has not seen in a block yet.

    Until an event is in a block, the database alone says that it exists; this knows better. `key`
    marks what waits there, for the processes that seal it after this one was killed.
    """

    def __init__(self, key: bytes = b"") -> None:
        self.key = key
        self._waiting: dict[str, str] = {}

    def mark(self, reference: str, hash: str) -> str:
        """HMAC-SHA-256 of an event that waits, in hex; empty without a key."""
        if not self.key:
            return ""
        told = f"pending:{reference}:{hash}".encode()
        return hmac.new(self.key, told, hashlib.sha256).hexdigest()

    def wrote(self, events: Iterable[tuple[str, str]]) -> None:
        """These events are in the database, with their hashes."""
        self._waiting.update(events)

    def waiting(self) -> list[tuple[str, str]]:
        """The oldest of what is in no block, as far as this process knows."""
        return list(islice(self._waiting.items(), LIMIT))

    def sealed(self, entries: Iterable[tuple[str, str]]) -> None:
        """These are in a block."""
        for reference, hash in entries:
            if self._waiting.get(reference) == hash:
                del self._waiting[reference]


class AuditChain:
    """Reading and extending the chain of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._blocks = database["audit_blocks"]
        self._pending = database["audit_pending"]

    async def pending(self, witness: AuditWitness) -> list[tuple[str, str]]:
        """Events that wait for a block, with their hashes, or `UNPROVEN` when the mark is wrong."""
        found = await self._pending.find().sort("_id", 1).limit(LIMIT).to_list()
        entries = []
        for one in found:
            mark = witness.mark(one["_id"], one["h"])
            proven = not mark or hmac.compare_digest(mark, one.get("m", ""))
            entries.append((one["_id"], one["h"] if proven else UNPROVEN))
        return entries

    async def last(self) -> Block | None:
        """The newest block."""
        found = await self._blocks.find_one(sort=[("_id", -1)])
        return _block(found) if found else None

    async def append(self, block: Block) -> bool:
        """Add a block and take its events off the pending ones; False when the number is taken."""
        document = {
            "_id": block.number,
            "previous": block.previous,
            "at": block.at,
            "entries": [list(one) for one in block.entries],
            "purged_to": block.purged_to,
            "hash": block.hash,
        }
        try:
            await self._blocks.insert_one(document)
        except DuplicateKeyError:
            return False
        if block.entries:
            await self._pending.delete_many({"_id": {"$in": [one for one, _ in block.entries]}})
        return True

    async def count(self) -> int:
        """How many blocks there are."""
        return await self._blocks.count_documents({})

    async def blocks(self, after: int = 0) -> AsyncIterator[Block]:
        """Every block with a higher number than `after`, oldest first."""
        async with self._blocks.find({"_id": {"$gt": after}}).sort("_id", 1) as found:
            async for one in found:
                yield _block(one)

    async def hashes(self, references: Sequence[str]) -> dict[str, set[str]]:
        """The hashes of all that is stored of each event: both copies of every version."""
        made: dict[str, set[str]] = {one: set() for one in references}
        ids = [one.partition("/")[2] for one in references]
        queries: dict[str, dict[str, Any]] = {
            "resources": {"_id": {"$in": list(references)}},
            "history": {"type": "AuditEvent", "id": {"$in": ids}},
        }
        for collection, query in queries.items():
            found = await self._database[collection].find(query, _RAW).to_list()
            for document in found:
                made[f"AuditEvent/{document['id']}"].add(await self._hash(collection, document))
        return made

    async def _hash(self, collection: str, document: dict[str, Any]) -> str:
        """The hash of an event, empty for one that cannot be decrypted: it is not what it was."""
        try:
            (readable,) = await opened(self._database, collection, [document])
        except EncryptionFault:
            return ""
        return digest(from_document(readable).raw)

    async def events(self) -> AsyncIterator[str]:
        """The reference of every stored version of an event."""
        query = {"type": "AuditEvent"}
        for collection in ("resources", "history"):
            async for document in self._database[collection].find(query, {"type": 1, "id": 1}):
                yield f"AuditEvent/{document['id']}"

    async def is_pending(self, reference: str) -> bool:
        """Whether an event still waits to be sealed."""
        return await self._pending.find_one({"_id": reference}) is not None

    async def remove(self, references: Sequence[str]) -> None:
        """Remove events for good."""
        ids = [one.partition("/")[2] for one in references]
        await self._database["history"].delete_many({"type": "AuditEvent", "id": {"$in": ids}})
        await self._database["resources"].delete_many({"_id": {"$in": list(references)}})


def digest(raw: bytes) -> str:
    """The SHA-256 of an event's stored bytes, in hex."""
    return hashlib.sha256(raw).hexdigest()


def _block(found: dict[str, Any]) -> Block:
    return Block(
        number=found["_id"],
        previous=found["previous"],
        at=found["at"],
        entries=tuple((one[0], one[1]) for one in found["entries"]),
        purged_to=found["purged_to"],
        hash=found["hash"],
    )
