"""Going over everything stored, so that it is encrypted with the newest data key.

Collections one after the other, documents in the order of their `_id`, a batch at a time; the job
in `jobs` tells how far it is, so that it goes on where it was killed. A value is replaced only if
it still is what was read: what somebody writes meanwhile is encrypted by its own write.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from pymongo import UpdateOne

from fhir_server.store.encryption.cipher import is_empty, key_of
from fhir_server.store.encryption.client_side import LOOK_EVERY
from fhir_server.store.encryption.database import EncryptedDatabase
from fhir_server.store.encryption.documents import FIELDS, opened, places, sealed

_JOB = "reencrypt"
_BATCH = {"content.chunks": 16, "audio_chunks": 8}
"""Documents of a batch where each may have a megabyte; elsewhere 200."""


@dataclass(frozen=True)
class Progress:
    """How far a job is: documents looked at of about `total`, of which `changed` were changed."""

    done: int
    total: int
    changed: int


async def reencrypt(
    database: EncryptedDatabase, *, settle: float = 2 * LOOK_EVERY
) -> AsyncIterator[Progress]:
    """Do all of it, beginning where an earlier run with the same data key was stopped.

    Yields after every batch. `settle` is how many seconds it waits first, until every process
    writes with the newest key.
    """
    await asyncio.sleep(settle)
    key = await asyncio.to_thread(database.cipher.vault.current)
    job = await _job(database, key.number)
    total = 0
    for name in FIELDS:
        total += await database[name].estimated_document_count()
    done, changed = job["done"], job["changed"]
    yield Progress(done, max(total, done), changed)
    for name in list(FIELDS)[list(FIELDS).index(job["collection"]) :]:
        after = job["after"] if name == job["collection"] else None
        while documents := await _batch(database, name, after):
            changed += await _move(database, name, documents, key.id.as_uuid())
            done, after = done + len(documents), documents[-1]["_id"]
            place = {"collection": name, "after": after, "done": done, "changed": changed}
            await database["jobs"].update_one({"_id": _JOB}, {"$set": place})
            yield Progress(done, max(total, done), changed)
    await database["jobs"].update_one({"_id": _JOB}, {"$set": {"state": "done"}})


async def _job(database: EncryptedDatabase, key: int) -> dict[str, Any]:
    """The job that was stopped, or a new one."""
    job = await database["jobs"].find_one({"_id": _JOB, "state": "running", "key": key})
    if job is None:
        first = next(iter(FIELDS))
        job = {"state": "running", "key": key, "collection": first, "after": None}
        job |= {"_id": _JOB, "done": 0, "changed": 0}
        await database["jobs"].replace_one({"_id": _JOB}, job, upsert=True)
    return job


async def _batch(database: EncryptedDatabase, name: str, after: Any) -> list[dict[str, Any]]:
    where = {} if after is None else {"_id": {"$gt": after}}
    cursor = database[name].find(where).sort("_id", 1).limit(_BATCH.get(name, 200))
    return await cursor.to_list()


async def _move(
    database: EncryptedDatabase, name: str, documents: list[dict[str, Any]], key: UUID
) -> int:
    """Encrypt again what is not encrypted with `key`; how many documents that is."""
    older = [
        one for one in documents if any(_is_older(place.value, key) for place in places(name, one))
    ]
    if not older:
        return 0
    clear = await opened(database, name, older, accept_clear=True)
    fresh = await sealed(database, name, clear)
    fields = {path.partition("[].")[0] for path in FIELDS[name]}
    updates = [
        UpdateOne({"_id": old["_id"], field: old[field]}, {"$set": {field: new[field]}})
        for old, new in zip(older, fresh, strict=True)
        for field in fields
        if field in old and not is_empty(old[field])
    ]
    await database[name].bulk_write(updates, ordered=False)
    return len(older)


def _is_older(value: Any, key: UUID) -> bool:
    return key_of(value) != key and not is_empty(value)
