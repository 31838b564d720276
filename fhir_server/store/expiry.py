"""Removing what has expired, beside MongoDB's own TTL monitor.

The monitor may be off or late (it works once a minute, and only on the primary). Every reader looks
at `expires` itself; this keeps what is over from lying about.
"""

from __future__ import annotations

from datetime import datetime

from fhir_server.store.connection import Database
from fhir_server.store.indexes import EXPIRING


async def remove_expired(database: Database, now: datetime) -> int:
    """Remove the documents whose `expires` is over, and tokens whose grant is gone. How many."""
    removed = 0
    for name in EXPIRING:
        done = await database[name].delete_many({"expires": {"$lte": now}})
        removed += done.deleted_count
    return (
        removed
        + await _remove_orphans(database, "tokens")
        + await _remove_orphans(database, "oauth_refresh_tokens")
    )


async def _remove_orphans(database: Database, name: str) -> int:
    """What a process leaves that is killed between issuing a token and looking at its grant."""
    named = [one for one in await database[name].distinct("grant") if one]
    removed = 0
    for start in range(0, len(named), _CHUNK):
        chunk = named[start : start + _CHUNK]
        living = await database["oauth_grants"].distinct("_id", {"_id": {"$in": chunk}})
        gone = sorted(set(chunk) - set(living))
        if gone:
            done = await database[name].delete_many({"grant": {"$in": gone}})
            removed += done.deleted_count
    return removed


_CHUNK = 1000
"""Grants looked up in one command."""
