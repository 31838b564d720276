"""Collections and indexes. Decision 0002 says which query each one is for."""

from __future__ import annotations

import asyncio

from pymongo import IndexModel
from pymongo.errors import CollectionInvalid

from fhir_server.store.connection import Database
from fhir_server.store.locks import KEEP_SECONDS

_INDEXES: dict[str, list[IndexModel]] = {
    "resources": [
        IndexModel([("type", 1), ("k", 1), ("lu", -1), ("_id", -1)], name="keys"),
        IndexModel([("pat", 1), ("type", 1), ("k", 1)], name="patient_keys"),
        IndexModel([("type", 1), ("r.p", 1), ("r.lo", 1)], name="ranges"),
        IndexModel([("type", 1), ("w", 1)], name="words"),
        IndexModel([("type", 1), ("lu", -1), ("_id", -1)], name="updated"),
        IndexModel([("refs", 1)], name="referrers", sparse=True),
    ],
    "history": [
        IndexModel([("type", 1), ("id", 1), ("lu", -1), ("_id", -1)], name="instance"),
        IndexModel([("type", 1), ("lu", -1), ("_id", -1)], name="type"),
        IndexModel([("lu", -1), ("_id", -1)], name="system"),
    ],
    "outbox": [],
    "accounts": [],
    "second_factors": [],
    "continuations": [IndexModel([("expires", 1)], name="expiry", expireAfterSeconds=0)],
    "tokens": [
        IndexModel([("expires", 1)], name="expiry", expireAfterSeconds=0),
        IndexModel([("grant", 1)], name="grant"),
        IndexModel([("subject", 1)], name="subject"),
    ],
    "clients": [],
    "sign_in_failures": [IndexModel([("expires", 1)], name="expiry", expireAfterSeconds=0)],
    "signing_keys": [],
    "assertions": [IndexModel([("expires", 1)], name="expiry", expireAfterSeconds=0)],
    "invitations": [IndexModel([("expires", 1)], name="expiry", expireAfterSeconds=0)],
    **{
        name: [IndexModel([("expires", 1)], name="expiry", expireAfterSeconds=0)]
        for name in ("oauth_launches", "oauth_requests", "oauth_codes")
    },
    "oauth_grants": [
        IndexModel([("expires", 1)], name="expiry", expireAfterSeconds=0),
        IndexModel([("subject", 1), ("created", -1)], name="subject"),
    ],
    "oauth_refresh_tokens": [
        IndexModel([("expires", 1)], name="expiry", expireAfterSeconds=0),
        IndexModel([("grant", 1)], name="grant"),
    ],
    "secrets": [],
    "audit_pending": [],
    "audit_blocks": [],
    "locks": [IndexModel([("at", 1)], name="expiry", expireAfterSeconds=KEEP_SECONDS)],
    "registry": [],
    "jobs": [],
}


async def ensure_indexes(database: Database) -> None:
    """Create what is missing. Collections come first: a transaction may not create one."""
    there = set(await database.list_collection_names())

    async def ensure(name: str, indexes: list[IndexModel]) -> None:
        if name not in there:
            await _create_collection(database, name)
        if indexes:
            await database[name].create_indexes(indexes)

    await asyncio.gather(*(ensure(name, indexes) for name, indexes in _INDEXES.items()))


async def _create_collection(database: Database, name: str) -> None:
    try:
        await database.create_collection(name)
    except CollectionInvalid:  # another process was quicker
        return
