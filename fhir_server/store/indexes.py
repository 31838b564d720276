"""Collections and indexes. Decision 0002 says which query each one is for."""

from __future__ import annotations

import asyncio

from pymongo import IndexModel
from pymongo.errors import CollectionInvalid, OperationFailure

from fhir_server.store.connection import Database
from fhir_server.store.locks import KEEP_SECONDS

_INDEXES: dict[str, list[IndexModel]] = {
    "resources": [
        IndexModel([("type", 1), ("k", 1), ("lu", -1), ("_id", -1)], name="keys"),
        IndexModel([("pat", 1), ("type", 1), ("lu", -1)], name="patient"),
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
    "accounts": [IndexModel([("email", 1)], name="email")],
    "second_factors": [],
    "password_resets": [
        IndexModel([("expires", 1)], name="expiry", expireAfterSeconds=0),
        IndexModel([("subject", 1)], name="subject"),
    ],
    "continuations": [IndexModel([("expires", 1)], name="expiry", expireAfterSeconds=0)],
    "password_links": [
        IndexModel([("expires", 1)], name="expiry", expireAfterSeconds=0),
        IndexModel([("subject", 1)], name="subject"),
    ],
    "passkeys": [IndexModel([("subject", 1), ("created", 1)], name="subject")],
    "passkey_handles": [],
    "passkey_challenges": [IndexModel([("expires", 1)], name="expiry", expireAfterSeconds=0)],
    "provider_links": [IndexModel([("subject", 1)], name="subject")],
    "provider_sign_ins": [IndexModel([("expires", 1)], name="expiry", expireAfterSeconds=0)],
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
    "audit_checks": [],
    "locks": [IndexModel([("at", 1)], name="expiry", expireAfterSeconds=KEEP_SECONDS)],
    "registry": [],
    "directive_changes": [IndexModel([("at", 1)], name="at")],
    "jobs": [],
    "duties": [],
}
_REPLACED = {"resources": ("patient_keys",)}
"""Indexes of earlier versions, which cost every write and serve no query any more."""
EXPIRING = tuple(
    name
    for name, indexes in _INDEXES.items()
    if any("expires" in one.document["key"] for one in indexes)
)
"""Collections whose documents are over from their `expires` on."""


async def ensure_indexes(database: Database) -> None:
    """Create what is missing. Collections come first: a transaction may not create one."""
    there = set(await database.list_collection_names())

    async def ensure(name: str, indexes: list[IndexModel]) -> None:
        if name not in there:
            await _create_collection(database, name)
        if indexes:
            await database[name].create_indexes(indexes)
        if name in there and name in _REPLACED:
            await _drop_replaced(database, name)

    await asyncio.gather(*(ensure(name, indexes) for name, indexes in _INDEXES.items()))


async def _drop_replaced(database: Database, name: str) -> None:
    for index in set(_REPLACED[name]) & set(await database[name].index_information()):
        try:
            await database[name].drop_index(index)
        except OperationFailure:  # another process was quicker
            continue


async def _create_collection(database: Database, name: str) -> None:
    try:
        await database.create_collection(name)
    except CollectionInvalid:  # another process was quicker
        return
