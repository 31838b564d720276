"""Searching stored messages, newest first, page by page."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from fhir_server.store.connection import Database
from integrations.hl7v2.store.indexes import MESSAGES
from integrations.hl7v2.store.record import Document, MessageRecord, State, record_of


@dataclass(frozen=True)
class MessageQuery:
    """What is looked for; what is not set matches all. `error` is a part of the error's text."""

    control: str = ""
    type: str = ""
    trigger: str = ""
    patient: str = ""
    visit: str = ""
    app: str = ""
    facility: str = ""
    listener: str = ""
    states: tuple[State, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    error: str = ""

    def condition(self) -> Document:
        """The condition of MongoDB."""
        made: Document = {
            name: value
            for name in ("control", "type", "trigger", "visit", "app", "facility", "listener")
            if (value := getattr(self, name))
        }
        if self.patient:
            made["patients"] = self.patient
        if self.states:
            made["state"] = self.states[0] if len(self.states) == 1 else {"$in": list(self.states)}
        times = {"$gte": self.since, "$lt": self.until}
        if given := {name: value for name, value in times.items() if value is not None}:
            made["received"] = given
        if self.error:
            made["error.text"] = {"$regex": re.escape(self.error), "$options": "i"}
        return made


@dataclass(frozen=True)
class Page:
    """Some messages without their bytes. `next` goes on after them, None at the end."""

    messages: tuple[MessageRecord, ...]
    next: str | None


async def search(
    database: Database, query: MessageQuery, *, limit: int = 50, after: str | None = None
) -> Page:
    """A page of what matches, newest first. `after` is the `next` of the page before."""
    condition = query.condition()
    if after:
        condition["order"] = {"$lt": after}
    found = database[MESSAGES].find(condition, {"raw": 0, "report": 0}).sort("order", -1)
    documents = await found.limit(limit + 1).to_list()
    records = tuple(record_of(one) for one in documents[:limit])
    return Page(records, records[-1].order if len(documents) > limit else None)


async def count(database: Database, query: MessageQuery) -> int:
    """How many messages match."""
    return await database[MESSAGES].count_documents(query.condition())
