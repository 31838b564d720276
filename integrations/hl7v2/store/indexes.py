"""Collections and indexes of the message store."""

from __future__ import annotations

from pymongo import ASCENDING, DESCENDING, IndexModel

from fhir_server.store.connection import Database

MESSAGES = "hl7v2_messages"
LEASES = "hl7v2_leases"

_INDEXES = [
    # Waiting messages in their order; dead letters; anything by state.
    IndexModel([("state", ASCENDING), ("order", ASCENDING)], name="state"),
    IndexModel([("order", DESCENDING)], name="order"),
    IndexModel([("control", ASCENDING)], name="control"),
    # What each feed received lately, and when last.
    IndexModel([("listener", ASCENDING), ("received", DESCENDING)], name="listener"),
    # Few messages have one: those of enhanced mode.
    IndexModel([("answer.state", ASCENDING)], name="answer", sparse=True),
    IndexModel([("patients", ASCENDING), ("order", DESCENDING)], name="patients"),
]


async def prepare(database: Database) -> None:
    """Create what is missing."""
    names = set(await database.list_collection_names())
    for name in (MESSAGES, LEASES):
        if name not in names:
            await database.create_collection(name)
    await database[MESSAGES].create_indexes(_INDEXES)
