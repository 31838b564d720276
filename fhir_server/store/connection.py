"""The one place where a MongoDB client is made."""

from __future__ import annotations

from typing import Any

from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase

Client = AsyncMongoClient[dict[str, Any]]
Database = AsyncDatabase[dict[str, Any]]


def connect(uri: str, *, timeout_ms: int = 5000) -> Client:
    """A client that answers with time zones, writes to a majority with journal, and gives up early.

    Nothing is sent before its first use. The caller closes it.
    """
    return AsyncMongoClient(
        uri,
        tz_aware=True,
        serverSelectionTimeoutMS=timeout_ms,
        connectTimeoutMS=timeout_ms,
        w="majority",
        journal=True,
        uuidRepresentation="standard",
        appname="aimed",
    )
