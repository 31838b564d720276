"""Messages on their way out: `hl7v2_outbound`, one document a message and destination.

_id          "lab/<event>/<trigger>": the same event gives the same message once
destination  its name
position     the event's id, by which messages leave in the order in which things happened
state        queued, acknowledged, dead, withheld or withdrawn
trigger      "ADT^A08"
control_id   MSH-10
patient      "Patient/p1" or null
resource version   what it tells of
sources      all that it tells of, "Observation/o1/_history/2"; null when that is not known
disclosed    when it first left since it was queued last, by the audit trail; else null
payload      the bytes that are sent, always the same ones
created due  when it was made, and before when it is not tried (again)
attempts     since it was queued last
sending      when the attempt that is going on began, else null
answer code error answered   the last answer: its bytes, MSA-1, ERR-3, when
reason       why it is not sent yet or never will be, a word
trace        the last attempts: {at, outcome}
expires      when an acknowledged or withheld one is forgotten
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from pymongo.errors import DuplicateKeyError

from fhir_server.store.connection import Database
from fhir_server.store.encryption import opened, sealed

COLLECTION = "hl7v2_outbound"
State = Literal["queued", "acknowledged", "dead", "withheld", "withdrawn"]
ASIDE: tuple[State, ...] = ("dead", "withheld")
"""Put aside: somebody may send it again, have it made anew or withdraw it."""

TRACE = 50
"""Steps that a message remembers."""


@dataclass(frozen=True)
class QueuedMessage:
    """A message on its way. `payload` and `answer` are empty in lists."""

    id: str
    destination: str
    position: str
    state: State
    trigger: str
    control_id: str
    patient: str | None
    resource: str
    version: int
    event: str
    happened: datetime
    created: datetime
    due: datetime
    sources: tuple[str, ...] | None = None
    disclosed: datetime | None = None
    payload: bytes = b""
    asks: bool = True
    attempts: int = 0
    sending: datetime | None = None
    answered: datetime | None = None
    answer: bytes = b""
    code: str = ""
    error: str = ""
    reason: str = ""
    trace: tuple[dict[str, Any], ...] = ()


class OutboundQueue:
    """The messages of all destinations of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._messages = database[COLLECTION]

    async def add(self, message: QueuedMessage) -> bool:
        """Put a message in. False when it is there already, in whatever state."""
        (document,) = await sealed(self._database, COLLECTION, [_document(message)])
        try:
            await self._messages.insert_one(document)
        except DuplicateKeyError:
            return False
        return True

    async def head(self, destination: str) -> QueuedMessage | None:
        """The message that leaves next, with its bytes."""
        found = await self._messages.find_one(
            {"destination": destination, "state": "queued"}, sort=[("position", 1), ("_id", 1)]
        )
        return None if found is None else await self._opened(found)

    async def read(self, id: str) -> QueuedMessage | None:
        """One message, with its bytes."""
        found = await self._messages.find_one({"_id": id})
        return None if found is None else await self._opened(found)

    async def begin(self, message: QueuedMessage, *, at: datetime) -> bool:
        """Say, before the first byte is sent, that an attempt begins. False if it is not queued."""
        began = await self._messages.update_one(
            {"_id": message.id, "state": "queued"},
            {"$set": {"sending": at}, "$inc": {"attempts": 1}},
        )
        return began.modified_count == 1

    async def settle(
        self,
        message: QueuedMessage,
        state: State,
        *,
        at: datetime,
        outcome: str,
        due: datetime | None = None,
        answer: tuple[str, str, bytes] | None = None,
        expires: datetime | None = None,
        counted: bool = True,
    ) -> None:
        """Say how an attempt ended. `answer` is code, error and bytes; not `counted` takes it back.

        A message that was withdrawn meanwhile stays so, unless it was acknowledged.
        """
        fields: dict[str, Any] = {"sending": None, "reason": outcome, "expires": expires}
        if due is not None:
            fields["due"] = due
        if answer is not None:
            fields |= {"code": answer[0], "error": answer[1], "answered": at}
            part = {"_id": message.id, "answer": answer[2]}
            (closed,) = await sealed(self._database, COLLECTION, [part])
            fields["answer"] = closed["answer"]
        change: dict[str, Any] = {
            "$set": {**fields, "state": state},
            "$push": {"trace": {"$each": [{"at": at, "outcome": outcome}], "$slice": -TRACE}},
        }
        if not counted:
            change["$inc"] = {"attempts": -1}
        only = {} if state == "acknowledged" else {"state": "queued"}
        await self._messages.update_one({"_id": message.id, **only}, change)

    async def requeue(self, condition: dict[str, Any], *, at: datetime) -> int:
        """Queue messages again, at their old places, as if they had never been tried."""
        change = {"state": "queued", "due": at, "attempts": 0, "sending": None, "expires": None}
        change["disclosed"] = None
        note = {"trace": {"$each": [{"at": at, "outcome": "requeued"}], "$slice": -TRACE}}
        done = await self._messages.update_many(
            {"state": {"$ne": "queued"}, "control_id": {"$ne": ""}, **condition},
            {"$set": change, "$push": note},
        )
        return done.modified_count

    async def forget(self, id: str) -> None:
        """Remove what was put aside, so that its event can lead to a message again."""
        await self._messages.delete_one({"_id": id, "state": {"$in": list(ASIDE)}})

    async def refresh_head(self, destination: str, *, at: datetime) -> None:
        """Give the message that waits at the head all its attempts, from now."""
        head = await self.oldest(destination)
        if head is not None:
            await self._messages.update_one(
                {"_id": head.id, "state": "queued"}, {"$set": {"attempts": 0, "due": at}}
            )

    async def withdraw(self, id: str, *, at: datetime) -> bool:
        """Take a message out of the queue, or of what was put aside, for good."""
        done = await self._messages.update_one(
            {"_id": id, "state": {"$in": ["queued", *ASIDE]}},
            {
                "$set": {
                    "state": "withdrawn",
                    "reason": "withdrawn",
                    "sending": None,
                    "expires": None,
                },
                "$push": {"trace": {"$each": [{"at": at, "outcome": "withdrawn"}]}},
            },
        )
        return done.modified_count == 1

    async def page(
        self, condition: dict[str, Any], *, count: int, after: str | None = None
    ) -> list[QueuedMessage]:
        """Messages without their bytes, the newest first; `after` is the position before."""
        if after is not None:
            condition = {**condition, "position": {"$lt": after}}
        found = self._messages.find(condition, {"payload": 0, "answer": 0})
        listed = await found.sort("position", -1).limit(count).to_list()
        return [_message(one) for one in listed]

    async def counts(self) -> dict[str, dict[str, int]]:
        """How many messages each destination has in each state."""
        group = {"_id": {"d": "$destination", "s": "$state"}, "n": {"$sum": 1}}
        counted: dict[str, dict[str, int]] = {}
        async for one in await self._messages.aggregate([{"$group": group}]):
            counted.setdefault(one["_id"]["d"], {})[one["_id"]["s"]] = one["n"]
        return counted

    async def oldest(self, destination: str) -> QueuedMessage | None:
        """The message that waits at the head, without its bytes."""
        found = await self._messages.find_one(
            {"destination": destination, "state": "queued"},
            {"payload": 0, "answer": 0},
            sort=[("position", 1), ("_id", 1)],
        )
        return None if found is None else _message(found)

    async def remove_expired(self, now: datetime) -> int:
        """Forget acknowledged and withheld messages whose time is over."""
        return (await self._messages.delete_many({"expires": {"$lte": now}})).deleted_count

    async def _opened(self, document: dict[str, Any]) -> QueuedMessage:
        (found,) = await opened(self._database, COLLECTION, [document])
        return _message(found)


def ids_condition(ids: Sequence[str]) -> dict[str, Any]:
    """The condition for some messages by their ids."""
    return {"_id": {"$in": list(ids)}}


_FIELDS = tuple(name for name in QueuedMessage.__dataclass_fields__ if name != "id")


def _document(message: QueuedMessage) -> dict[str, Any]:
    fields = {name: getattr(message, name) for name in _FIELDS}
    lists: dict[str, list[Any]] = {"trace": list(message.trace)}
    if message.sources is not None:
        lists["sources"] = list(message.sources)
    return {"_id": message.id, **fields, **lists, "expires": None}


def _message(found: dict[str, Any]) -> QueuedMessage:
    fields = {name: found[name] for name in _FIELDS if name in found}
    for name in ("payload", "answer"):
        fields[name] = bytes(fields.get(name, b""))
    if fields.get("sources") is not None:
        fields["sources"] = tuple(fields["sources"])
    return QueuedMessage(id=found["_id"], **{**fields, "trace": tuple(found["trace"])})
