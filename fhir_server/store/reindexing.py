"""Making the index entries of stored resources again, while the server works.

A job goes over all resources in the order of their ids, a batch at a time, and writes down how far
it is, so that another process can go on where one stopped. A resource that is written meanwhile is
indexed by its write; the job replaces an entry only of the version that it read.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pymongo import ReturnDocument, UpdateOne
from pymongo.errors import DuplicateKeyError

from fhir_server.clock import Clock, Ids
from fhir_server.errors import Unavailable
from fhir_server.search.extraction import Indexer
from fhir_server.store.binary_content import BinaryContent
from fhir_server.store.connection import Database
from fhir_server.store.custom_parameters import LOOK_EVERY, CustomParameters
from fhir_server.store.documents import from_document
from fhir_server.store.encryption import opened

BATCH = 200
_JOB = "reindex"
_LEASE = timedelta(seconds=30)
_FAILURES = 100
"""Most resources that a job names as failed; it counts all."""


@dataclass(frozen=True)
class Progress:
    """How far a job is. `total` was counted at its start; `failed` resources keep old entries."""

    state: str
    total: int
    done: int
    failed: int
    failures: tuple[str, ...]
    urls: tuple[str, ...]


class Reindexing:
    """Starts, goes on with and reports the one job of a database."""

    def __init__(
        self,
        database: Database,
        parameters: CustomParameters,
        *,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._database = database
        self._jobs = database["jobs"]
        self._resources = database["resources"]
        self._parameters = parameters
        self._content = BinaryContent(database)
        self._clock = clock
        self._owner = ids()
        self._task: asyncio.Task[None] | None = None

    async def progress(self) -> Progress | None:
        """The job as it is, None when there never was one."""
        job = await self._jobs.find_one({"_id": _JOB})
        return None if job is None else _progress(job)

    async def start(self) -> Progress:
        """Begin a job unless one is running; either way it is running when this returns."""
        waiting = await self._parameters.waiting()
        job = {
            "_id": _JOB,
            "state": "running",
            "total": await self._resources.count_documents({"deleted": False}),
            "done": 0,
            "failed": 0,
            "failures": [],
            "after": "",
            "versions": sorted(waiting),
            "urls": sorted(set(waiting.values())),
            "owner": None,
            "lease": self._clock(),
        }
        with suppress(DuplicateKeyError):  # one is running: it goes on
            await self._jobs.replace_one(
                {"_id": _JOB, "state": {"$ne": "running"}}, job, upsert=True
            )
        self.resume()
        found = await self.progress()
        if found is None:
            raise Unavailable("The job that was just begun is gone from the store.")
        return found

    def resume(self) -> None:
        """Go on with a job that nobody works on, in the background."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())

    async def aclose(self) -> None:
        """Stop working; the job keeps its place."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        if not await self._take():
            return
        # By then every process knows the new parameters and indexes what it writes by them.
        await asyncio.sleep(2 * LOOK_EVERY.total_seconds())
        await self._parameters.refresh(now=True)
        while job := await self._take():
            documents = await (
                self._resources.find({"_id": {"$gt": job["after"]}}).sort("_id", 1).limit(BATCH)
            ).to_list()
            if not documents:
                await self._finish(job)
                return
            await self._note(job, documents, await self._index(documents))

    async def _take(self) -> dict[str, Any] | None:
        """The running job, if nobody else holds it."""
        now = self._clock()
        free = {"$or": [{"owner": self._owner}, {"lease": {"$lte": now}}]}
        found: dict[str, Any] | None = await self._jobs.find_one_and_update(
            {"_id": _JOB, "state": "running", **free},
            {"$set": {"owner": self._owner, "lease": now + _LEASE}},
            return_document=ReturnDocument.AFTER,
        )
        return found

    async def _index(self, documents: list[dict[str, Any]]) -> list[str]:
        """Replace the entries; the references of what could not be indexed."""
        indexer = Indexer(self._parameters.registry)
        updates, failed = [], []
        for document in await opened(self._database, "resources", documents):
            if document["deleted"]:
                continue
            stored = from_document(document)
            try:
                entry = indexer.index(stored.resource(), stored.last_updated)
            except Exception:  # whatever is wrong with one resource, the others go on
                failed.append(stored.reference)
                continue
            fields = entry.fields()
            gone = {name: "" for name in ("c", "s", "z", "w", "geo") if name not in fields}
            change = {"$set": fields, **({"$unset": gone} if gone else {})}
            updates.append(UpdateOne({"_id": stored.reference, "v": stored.version}, change))
        if updates:
            await self._resources.bulk_write(updates, ordered=False)
        return failed

    async def _note(
        self, job: dict[str, Any], documents: list[dict[str, Any]], failed: list[str]
    ) -> None:
        done = sum(1 for one in documents if not one["deleted"])
        await self._jobs.update_one(
            {"_id": _JOB, "owner": self._owner},
            {
                "$set": {
                    "after": documents[-1]["_id"],
                    "failures": [*job["failures"], *failed][:_FAILURES],
                },
                "$inc": {"done": done, "failed": len(failed)},
            },
        )

    async def _finish(self, job: dict[str, Any]) -> None:
        # What failed has no entry by the new parameters: they stay unsearchable, and say so.
        state = "failed" if job["failed"] else "done"
        if state == "done":
            await self._parameters.indexed(job["versions"])
        await self._jobs.update_one({"_id": _JOB, "owner": self._owner}, {"$set": {"state": state}})


def _progress(job: dict[str, Any]) -> Progress:
    return Progress(
        state=job["state"],
        # What is written after the start is gone over too.
        total=max(job["total"], job["done"]),
        done=job["done"],
        failed=job["failed"],
        failures=tuple(job["failures"]),
        urls=tuple(job["urls"]),
    )
