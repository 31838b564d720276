"""Locks that live in the transaction: what two of them touch, only one may commit.

A conditional create looks for matches and finds none; nothing it read tells MongoDB that another
transaction is about to create the same. So both write one document named by type and criteria:
the second runs into a write conflict, starts again, and finds what the first has created.
"""

from __future__ import annotations

import hashlib
from datetime import datetime

from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.errors import DuplicateKeyError

from fhir_server.errors import VersionConflict
from fhir_server.store.connection import Database

KEEP_SECONDS = 3600
"""A lock is good while its transaction runs (60 s at most in MongoDB); later it is only litter."""


class Overtaken(VersionConflict):
    """Another transaction was quicker; the same work, done again, sees what that one did."""


async def hold(database: Database, session: AsyncClientSession, name: str, now: datetime) -> None:
    """Touch the lock called `name` until the transaction of `session` ends.

    The document is named by a hash, because criteria hold patient data. Raises pymongo's write
    conflict, on which the transaction starts again, or `Overtaken`, which means the same.
    """
    id = hashlib.sha256(name.encode()).hexdigest()
    try:
        await database["locks"].update_one(
            {"_id": id}, {"$set": {"at": now}, "$inc": {"n": 1}}, upsert=True, session=session
        )
    except DuplicateKeyError:
        raise Overtaken("The same condition is being written by another request.") from None
