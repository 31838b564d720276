"""Messages stored and moved from state to state.

Storing is one insert: the id is made of what identifies a message, so that the primary key itself
keeps a resend out, and no transaction is needed. What arrives while one insert runs goes into the
next, across connections.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pymongo import UpdateOne
from pymongo.errors import BulkWriteError, DuplicateKeyError

from fhir_server.errors import ResourceNotFound
from fhir_server.store.connection import Database
from fhir_server.store.encryption import opened, sealed
from integrations.hl7v2.store.grouping import Grouping
from integrations.hl7v2.store.indexes import MESSAGES
from integrations.hl7v2.store.record import (
    WAITING,
    Answer,
    Document,
    MessageRecord,
    NewMessage,
    Outcome,
    State,
    record_of,
)

_DUPLICATE_KEY = 11000
_GROUP_BYTES = 24 * 1024 * 1024
"""Most bytes of one insert: a MongoDB command may have 48 MB."""
_CLAIM_BYTES = 32 * 1024 * 1024
"""About the most that one claim brings into memory."""
_WITHOUT_RAW = {"raw": 0, "report": 0}


@dataclass(frozen=True, slots=True)
class Arrival:
    """Whether a message was new. `earlier` is what is stored when it was not."""

    new: bool
    earlier: MessageRecord | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """A message to be processed."""

    record: MessageRecord
    raw: bytes


class MessageStore:
    """All HL7 v2 messages of one database. `aclose` waits for what is being written."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._messages = database[MESSAGES]
        self._arrivals: Grouping[NewMessage, bool] = Grouping(
            self._insert, size=lambda one: len(one.raw), most=_GROUP_BYTES
        )
        self._outcomes: Grouping[Outcome, bool] = Grouping(self._finish)

    async def add(self, message: NewMessage) -> Arrival:
        """Make a message durable, unless it is already. Raises pymongo's error when it cannot."""
        if await self._arrivals.do(message):
            return Arrival(new=True)
        return Arrival(new=False, earlier=await self.find(message.id))

    async def find(self, id: str, *, raw: bool = False) -> MessageRecord | None:
        """A message, with its bytes and report when asked."""
        found = await self._messages.find_one({"_id": id}, None if raw else _WITHOUT_RAW)
        if found is None:
            return None
        return record_of((await opened(self.database, MESSAGES, [found]))[0])

    async def read(self, id: str) -> MessageRecord:
        """A message with its bytes. Raises `ResourceNotFound`."""
        found = await self.find(id, raw=True)
        if found is None:
            raise ResourceNotFound("There is no such message.")
        return found

    async def claim(self, limit: int, now: datetime) -> list[Stored]:
        """Take the oldest received messages to process: their state is `converting` from now on.

        Those that are held beyond `now` are left.
        """
        free = {"state": "received", "held": {"$not": {"$gt": now}}}
        waiting = self._messages.find(free).sort("order", 1).limit(limit)
        found, size = [], 0
        async for one in waiting:
            found.append(one)
            size += one["size"]
            if size > _CLAIM_BYTES:
                break
        if not found:
            return []
        ids = [one["_id"] for one in found]
        await self._messages.update_many(
            {"_id": {"$in": ids}, "state": "received"}, {"$set": {"state": "converting"}}
        )
        records = [record_of(one) for one in await opened(self.database, MESSAGES, found)]
        return [Stored(one, one.raw or b"") for one in records]

    async def release(self) -> int:
        """Give back what a process had claimed that is gone, and return how many that were."""
        done = await self._messages.update_many(
            {"state": "converting"}, {"$set": {"state": "received"}}
        )
        return int(done.modified_count)

    async def let_pass(self, id: str, ack: bytes | None) -> None:
        """Store that a strict listener has nothing against a message, with what it is answered."""
        change: Document = {"$set": {"checked": True}, "$unset": {"held": ""}}
        if ack is not None:
            change["$set"]["ack"] = ack
        await self._messages.update_one({"_id": id, "state": {"$in": list(WAITING)}}, change)

    async def let_go(self, id: str) -> None:
        """Hold a message no longer: whoever processes checks it."""
        await self._messages.update_one({"_id": id}, {"$unset": {"held": ""}})

    async def refuse(self, outcome: Outcome) -> bool:
        """Store why a held message is not processed. Whether it was still ours to refuse."""
        made = {"_id": outcome.id, "report": outcome.report}
        (stored,) = await sealed(self.database, MESSAGES, [made])
        done = await self._messages.update_one(
            {"_id": outcome.id, "state": "received"}, _change(outcome, stored["report"])
        )
        return bool(done.modified_count)

    async def finish(self, outcome: Outcome) -> None:
        """Store how processing ended."""
        await self._outcomes.do(outcome)

    async def state_of(self, id: str) -> tuple[State, bytes | None] | None:
        """The state of a message and its acknowledgement."""
        found = await self._messages.find_one({"_id": id}, {"state": 1, "ack": 1})
        if found is None:
            return None
        ack = found.get("ack")
        return found["state"], None if ack is None else bytes(ack)

    async def set_answer(self, id: str, state: str) -> None:
        """Note what became of the application acknowledgement."""
        await self._messages.update_one({"_id": id}, {"$set": {"answer.state": state}})

    async def answers_due(
        self, finished_before: datetime | None = None, limit: int = 1000
    ) -> list[MessageRecord]:
        """Messages whose application acknowledgement is not sent yet, oldest first."""
        due: Document = {"answer.state": "due"}
        if finished_before is not None:
            due["finished"] = {"$lt": finished_before}
        found = self._messages.find(due, _WITHOUT_RAW).sort("order", 1)
        return [record_of(one) for one in await found.limit(limit).to_list()]

    async def same_control_id(self, message: MessageRecord) -> bool:
        """Whether the sender has used this MSH-10 for another content."""
        if not message.control:
            return False
        other = {
            "control": message.control,
            "listener": message.listener,
            "app": message.app,
            "facility": message.facility,
            "_id": {"$ne": message.id},
        }
        return await self._messages.find_one(other, {"_id": 1}) is not None

    async def counts(self) -> dict[str, int]:
        """How many messages there are in each state."""
        groups = await self._messages.aggregate([{"$group": {"_id": "$state", "n": {"$sum": 1}}}])
        return {one["_id"]: one["n"] async for one in groups}

    async def oldest_waiting(self) -> datetime | None:
        """When the message came that waits longest."""
        found = await self._messages.find_one(
            {"state": {"$in": ["received", "converting"]}}, {"received": 1}, sort=[("order", 1)]
        )
        return found["received"] if found else None

    async def aclose(self) -> None:
        """Wait for what is under way."""
        await asyncio.gather(self._arrivals.aclose(), self._outcomes.aclose())

    async def _insert(self, messages: Sequence[NewMessage]) -> list[bool]:
        documents = await sealed(self.database, MESSAGES, [one.document() for one in messages])
        if len(documents) == 1:
            return [await self._insert_one(documents[0])]
        try:
            await self._messages.insert_many(documents, ordered=False)
        except BulkWriteError as error:
            return _new_ones(error, len(documents))
        return [True] * len(documents)

    async def _insert_one(self, document: Document) -> bool:
        # A sender that waits for each answer sends one at a time: a sixth less work in the driver.
        try:
            await self._messages.insert_one(document)
        except DuplicateKeyError:
            return False
        return True

    async def _finish(self, outcomes: Sequence[Outcome]) -> list[bool]:
        made = [{"_id": one.id, "report": one.report} for one in outcomes]
        reports = await sealed(self.database, MESSAGES, made)
        changes = [
            UpdateOne({"_id": one.id}, _change(one, stored["report"]))
            for one, stored in zip(outcomes, reports, strict=True)
        ]
        await self._messages.bulk_write(changes, ordered=False)
        return [True] * len(outcomes)


def _new_ones(error: BulkWriteError, count: int) -> list[bool]:
    """Which documents were inserted. Raises the error when another fault than a duplicate hit."""
    details = error.details or {}
    faults = details.get("writeErrors", [])
    if details.get("writeConcernErrors") or any(one["code"] != _DUPLICATE_KEY for one in faults):
        raise error
    known = {one["index"] for one in faults}
    return [at not in known for at in range(count)]


def _change(outcome: Outcome, report: Any) -> Document:
    values: Document = {
        "state": outcome.state,
        "finished": outcome.finished,
        "attempts": outcome.attempts,
        "resources": list(outcome.resources),
        "report": report,
    }
    gone: Document = {"held": ""}
    if outcome.text:
        values["error"] = {"code": outcome.code, "text": outcome.text}
    else:
        gone["error"] = ""
    if outcome.ack is not None:
        values["ack"] = outcome.ack
    if outcome.answer is not None:
        values["answer"] = {"bytes": outcome.answer, "state": Answer(outcome.answer).state}
    change: Document = {"$set": values, "$unset": gone}
    if outcome.warnings:
        change["$addToSet"] = {"warnings": {"$each": list(outcome.warnings)}}
    return change
