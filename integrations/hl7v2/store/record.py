"""One stored message. The collection is `hl7v2_messages`:

_id       hash of listener, MSH-3, MSH-4, MSH-10 and the bytes: a resend has the same
order     sorts by arrival
state     received, converting, converted, failed, ignored, replayed
listener peer received size
raw       the bytes as they came (sealed when encryption is on); absent once removed
control type trigger structure version app facility    of MSH
patients visit                                         ids, for searching
warnings  what is odd and was taken all the same
ack       the acknowledgement that a resend gets again
answer    {bytes, state}: the application acknowledgement of enhanced mode
error     {code, text}: why it failed or was ignored, without patient data
attempts replays finished resources report             of the conversion
asked    when it was queued again last
held      until when the process that received it may check its structure; nobody else claims it
checked   a strict listener has nothing against it
wanted    what is to be said when processing has ended: `original`, or the condition of MSH-16;
          `checked`: what is to be said once its structure is checked
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any, Literal

State = Literal["received", "converting", "converted", "failed", "ignored", "replayed"]
WAITING: tuple[State, ...] = ("received", "converting")
DONE: tuple[State, ...] = ("converted", "ignored", "replayed")

Document = dict[str, Any]


def message_id(listener: str, app: str, facility: str, control: str, raw: bytes) -> str:
    """The id of a message: the same for the same bytes from the same sender."""
    digest = sha256()
    for part in (listener, app, facility, control):
        encoded = part.encode("utf-8", "replace")
        digest.update(len(encoded).to_bytes(4, "big") + encoded)
    digest.update(sha256(raw).digest())
    return digest.hexdigest()[:40]


@dataclass(frozen=True, slots=True)
class NewMessage:
    """What is stored when a message arrives. `error` goes with the states failed and ignored."""

    id: str
    order: str
    state: State
    listener: str
    peer: str
    received: datetime
    raw: bytes
    control: str = ""
    type: str = ""
    trigger: str = ""
    structure: str = ""
    version: str = ""
    app: str = ""
    facility: str = ""
    patients: tuple[str, ...] = ()
    visit: str = ""
    warnings: tuple[str, ...] = ()
    ack: bytes | None = None
    application_wanted: str = ""
    held: datetime | None = None
    error: tuple[str, str] | None = None

    def document(self) -> Document:
        """As it is stored, not yet sealed."""
        made: Document = {
            "_id": self.id,
            "order": self.order,
            "state": self.state,
            "listener": self.listener,
            "peer": self.peer,
            "received": self.received,
            "size": len(self.raw),
            "raw": self.raw,
            "control": self.control,
            "type": self.type,
            "trigger": self.trigger,
            "structure": self.structure,
            "version": self.version,
            "app": self.app,
            "facility": self.facility,
            "patients": list(self.patients),
            "attempts": 0,
        }
        if self.visit:
            made["visit"] = self.visit
        if self.warnings:
            made["warnings"] = list(self.warnings)
        if self.ack is not None:
            made["ack"] = self.ack
        if self.application_wanted:
            made["wanted"] = self.application_wanted
        if self.held is not None:
            made["held"] = self.held
        if self.error is not None:
            made["error"] = {"code": self.error[0], "text": self.error[1]}
        return made


@dataclass(frozen=True, slots=True)
class Answer:
    """An application acknowledgement: due, sent, or undeliverable."""

    bytes: bytes
    state: Literal["due", "sent", "undeliverable"] = "due"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How processing ended. `code` and `text` say why; `ack` replaces the stored acknowledgement.

    `resources` are references, `report` is the conversion report as JSON.
    """

    id: str
    state: State
    finished: datetime
    attempts: int = 0
    code: str = ""
    text: str = ""
    resources: tuple[str, ...] = ()
    report: Document | None = None
    warnings: tuple[str, ...] = ()
    ack: bytes | None = None
    answer: bytes | None = None


@dataclass(frozen=True, slots=True)
class MessageRecord:
    """A stored message. `raw` is None when it was not asked for, or removed."""

    id: str
    order: str
    state: State
    listener: str
    peer: str
    received: datetime
    size: int
    control: str
    type: str
    trigger: str
    structure: str
    version: str
    app: str
    facility: str
    patients: tuple[str, ...]
    visit: str
    warnings: tuple[str, ...]
    attempts: int
    replays: int
    wanted: str
    checked: bool = False
    raw: bytes | None = None
    ack: bytes | None = None
    answer: Answer | None = None
    error_code: str = ""
    error_text: str = ""
    finished: datetime | None = None
    resources: tuple[str, ...] = ()
    report: Document = field(default_factory=dict)


def record_of(document: Document) -> MessageRecord:
    """A document that is not sealed."""
    error, answer = document.get("error") or {}, document.get("answer")
    raw, ack = document.get("raw"), document.get("ack")
    return MessageRecord(
        id=document["_id"],
        order=document["order"],
        state=document["state"],
        listener=document["listener"],
        peer=document["peer"],
        received=document["received"],
        size=document["size"],
        control=document["control"],
        type=document["type"],
        trigger=document["trigger"],
        structure=document["structure"],
        version=document["version"],
        app=document["app"],
        facility=document["facility"],
        patients=tuple(document["patients"]),
        visit=document.get("visit", ""),
        warnings=tuple(document.get("warnings", ())),
        attempts=document["attempts"],
        replays=document.get("replays", 0),
        wanted=document.get("wanted", ""),
        checked=document.get("checked", False),
        raw=None if raw is None else bytes(raw),
        ack=None if ack is None else bytes(ack),
        answer=Answer(bytes(answer["bytes"]), answer["state"]) if answer else None,
        error_code=error.get("code", ""),
        error_text=error.get("text", ""),
        finished=document.get("finished"),
        resources=tuple(document.get("resources", ())),
        report=document.get("report") or {},
    )
