"""Keys that all processes share and nobody has to configure."""

from __future__ import annotations

from pymongo import ReturnDocument

from fhir_server.store.connection import Database


async def shared_secret(database: Database, name: str, fresh: bytes) -> bytes:
    """The secret kept under `name`; `fresh` becomes it when there is none yet."""
    found = await database["secrets"].find_one_and_update(
        {"_id": name},
        {"$setOnInsert": {"value": fresh}},
        upsert=True,
        return_document=ReturnDocument.AFTER,
    )
    return bytes((found or {})["value"])
