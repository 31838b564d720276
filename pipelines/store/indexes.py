"""Collections and indexes of the consultation."""

from __future__ import annotations

from pymongo import IndexModel
from pymongo.errors import CollectionInvalid

from fhir_server.store.connection import Database

_INDEXES: dict[str, list[IndexModel]] = {
    "audio_chunks": [
        IndexModel([("encounter", 1), ("offset", 1)], name="position", unique=True),
    ],
    "segments": [
        IndexModel([("encounter", 1), ("seq", 1)], name="order", unique=True),
    ],
    "consultations": [
        IndexModel([("state", 1)], name="state"),
        IndexModel([("patient", 1), ("state", 1)], name="patient"),
        IndexModel([("alerts.id", 1)], name="alert"),
    ],
}


async def prepare(database: Database) -> None:
    """Create what is missing. Collections come first: a transaction may not create one."""
    there = set(await database.list_collection_names())
    for name, indexes in _INDEXES.items():
        if name not in there:
            await _create(database, name)
        await database[name].create_indexes(indexes)


async def _create(database: Database, name: str) -> None:
    try:
        await database.create_collection(name)
    except CollectionInvalid:  # another process was quicker
        return
