"""Collections and indexes of what is sent."""

from __future__ import annotations

from pymongo import IndexModel
from pymongo.errors import CollectionInvalid

from fhir_server.store.connection import Database

_INDEXES: dict[str, list[IndexModel]] = {
    "hl7v2_events": [],
    "hl7v2_outbound": [
        IndexModel([("destination", 1), ("state", 1), ("position", 1)], name="queue"),
        IndexModel([("control_id", 1)], name="control_id"),
        IndexModel([("patient", 1), ("position", -1)], name="patient"),
        IndexModel([("expires", 1)], name="expiry", expireAfterSeconds=0),
    ],
    "hl7v2_destinations": [],
    "hl7v2_outbound_leases": [],
}


async def prepare_outbound(database: Database) -> None:
    """Create what is missing."""
    there = set(await database.list_collection_names())
    for name, indexes in _INDEXES.items():
        if name not in there:
            await _create(database, name)
        if indexes:
            await database[name].create_indexes(indexes)


async def _create(database: Database, name: str) -> None:
    try:
        await database.create_collection(name)
    except CollectionInvalid:  # another process was quicker
        return
