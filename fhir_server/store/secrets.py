"""Keys that all processes share and nobody has to configure."""

from __future__ import annotations

from fhir_server.store.connection import Database
from fhir_server.store.encryption import opened, sealed


async def shared_secret(database: Database, name: str, fresh: bytes) -> bytes:
    """The secret kept under `name`; `fresh` becomes it when there is none yet."""
    (fresh_one,) = await sealed(database, "secrets", [{"_id": name, "value": fresh}])
    await database["secrets"].update_one(
        {"_id": name}, {"$setOnInsert": {"value": fresh_one["value"]}}, upsert=True
    )
    found = await database["secrets"].find_one({"_id": name})
    (secret,) = await opened(database, "secrets", [found or {}])
    return bytes(secret["value"])
