"""What a database holds and takes: for benchmarks and operators."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import bson

from fhir_server.store.connection import Database

SAMPLE = 2000
"""Resources looked at for the averages."""

_INDEX_FIELDS = ("k", "r", "pat", "pats", "c", "s", "z", "w", "geo", "refs")


@dataclass(frozen=True)
class Statistics:
    """Counts, and means per current resource over a sample; sizes in bytes, uncompressed."""

    server: str
    resources: int
    versions: int
    sampled: int
    body_bytes: float
    index_bytes: float
    keys: float
    ranges: float
    words: float


async def statistics(database: Database) -> Statistics:
    """The figures of a database; audit events are counted but not sampled."""
    cursor = database["resources"].find({"type": {"$ne": "AuditEvent"}, "deleted": False})
    found = await cursor.limit(SAMPLE).to_list()
    number = max(len(found), 1)

    def mean(of: Any) -> float:
        return float(round(sum(of(one) for one in found) / number, 1))

    return Statistics(
        server=await _server(database),
        resources=await database["resources"].count_documents({}),
        versions=await database["history"].count_documents({}),
        sampled=len(found),
        body_bytes=mean(lambda one: len(one["raw"])),
        index_bytes=mean(_index_size),
        keys=mean(lambda one: len(one.get("k", ()))),
        ranges=mean(lambda one: len(one.get("r", ()))),
        words=mean(lambda one: len(one.get("w", ()))),
    )


async def is_unused(database: Database) -> bool:
    """Whether no patient was ever stored."""
    return await database["history"].find_one({"type": "Patient"}, {"_id": 1}) is None


def _index_size(document: dict[str, Any]) -> int:
    return len(bson.encode({name: document[name] for name in _INDEX_FIELDS if name in document}))


async def _server(database: Database) -> str:
    info = await database.client.admin.command("buildInfo")
    embedded = info.get("secantusVersion")
    return f"SecantusDB {embedded}, embedded" if embedded else f"MongoDB {info['version']}"
