"""Keeping the store from growing for ever: bytes of what is converted go first, records later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from fhir_server.store.connection import Database
from integrations.hl7v2.settings import MEBIBYTE, RetentionSettings
from integrations.hl7v2.store.indexes import MESSAGES
from integrations.hl7v2.store.record import DONE

_CHUNK = 500


@dataclass(frozen=True)
class Removed:
    """How many messages lost their bytes, and how many were removed whole."""

    raw: int
    records: int


async def remove_old(database: Database, kept: RetentionSettings, now: datetime) -> Removed:
    """Remove what the settings no longer keep. What waits is never touched."""
    messages = database[MESSAGES]
    done: dict[str, Any] = {"state": {"$in": list(DONE)}}
    old = {"received": {"$lt": now - timedelta(days=kept.raw_days)}}
    raw = await _remove_raw(database, {**done, **old})
    records = 0
    for condition, days in ((done, kept.record_days), ({"state": "failed"}, kept.failed_days)):
        before = {"received": {"$lt": now - timedelta(days=days)}}
        records += (await messages.delete_many({**condition, **before})).deleted_count
    if kept.raw_mebibytes:
        raw += await _remove_above(database, kept.raw_mebibytes * MEBIBYTE)
    return Removed(raw, records)


async def stored_bytes(database: Database) -> int:
    """The bytes of all messages that still have theirs."""
    groups = await database[MESSAGES].aggregate(
        [
            {"$match": {"raw": {"$exists": True}}},
            {"$group": {"_id": None, "size": {"$sum": "$size"}}},
        ]
    )
    found = await groups.to_list()
    return int(found[0]["size"]) if found else 0


async def _remove_raw(database: Database, condition: Mapping[str, Any]) -> int:
    having = {**condition, "raw": {"$exists": True}}
    done = await database[MESSAGES].update_many(having, {"$unset": {"raw": "", "report": ""}})
    return int(done.modified_count)


async def _remove_above(database: Database, most: int) -> int:
    above = await stored_bytes(database) - most
    removed = 0
    while above > 0:
        condition = {"state": {"$in": list(DONE)}, "raw": {"$exists": True}}
        found = database[MESSAGES].find(condition, {"size": 1}).sort("order", 1).limit(_CHUNK)
        ids = []
        async for one in found:
            if above <= 0:
                break
            ids.append(one["_id"])
            above -= one["size"]
        if not ids:
            break
        removed += await _remove_raw(database, {"_id": {"$in": ids}})
    return removed
