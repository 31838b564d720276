"""The message store: the only home of pymongo in HL7 v2."""

from integrations.hl7v2.store.indexes import prepare
from integrations.hl7v2.store.lease import Lease
from integrations.hl7v2.store.messages import Arrival, MessageStore, Stored
from integrations.hl7v2.store.record import (
    Answer,
    MessageRecord,
    NewMessage,
    Outcome,
    State,
    message_id,
)
from integrations.hl7v2.store.replaying import Replayed, replay, replay_query, still_waiting
from integrations.hl7v2.store.retention import Removed, remove_old, stored_bytes
from integrations.hl7v2.store.search import MessageQuery, Page, count, search

__all__ = [
    "Answer",
    "Arrival",
    "Lease",
    "MessageQuery",
    "MessageRecord",
    "MessageStore",
    "NewMessage",
    "Outcome",
    "Page",
    "Removed",
    "Replayed",
    "State",
    "Stored",
    "count",
    "message_id",
    "prepare",
    "remove_old",
    "replay",
    "replay_query",
    "search",
    "still_waiting",
    "stored_bytes",
]
