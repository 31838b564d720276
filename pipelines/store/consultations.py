"""The state of each consultation: what has to survive a crash beside audio and segments.

`consultations` has one document per encounter, `_id` = the Encounter's id, with the fields of
`ConsultationRecord`. Everything clinical in it is also a FHIR resource; the copies of note and
alerts are the payloads of the events, for a snapshot in one read.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from fhir_server.errors import ResourceNotFound
from fhir_server.store import UnitOfWork
from fhir_server.store.connection import Database
from fhir_server.store.encryption import opened, sealed
from pipelines.engines.usage import Cost, Usage, Work
from pipelines.ports import AudioFormat, Role

_NAME = "consultations"


class State(StrEnum):
    """Where a consultation is; the values appear in the snapshot."""

    CREATED = "created"
    RECORDING = "recording"
    STOPPING = "stopping"
    FINISHED = "finished"
    SIGNED = "signed"


RUNNING = (State.CREATED, State.RECORDING, State.STOPPING)
"""States in which somebody is likely to watch."""


@dataclass(frozen=True)
class AlertRecord:
    """An alert that was raised. `key` is the rule's own, `payload` the data of its last event."""

    id: str
    key: str
    payload: dict[str, Any]


@dataclass(frozen=True)
class ConsultationRecord:
    """One consultation. References are literal (`Patient/p1`); `settled` is in seconds."""

    encounter: str
    patient: str
    patient_display: str
    practitioner: str
    practitioner_display: str
    audio: AudioFormat
    state: State
    started: datetime
    transcript: str
    settled: float = 0.0
    segments: int = 0
    drained: bool = False
    note: dict[str, Any] | None = None
    drafted: dict[str, Any] | None = None
    """What the note was last drafted from: `{"by": engine, "segments": count}`."""
    alerts: tuple[AlertRecord, ...] = ()
    proposals: tuple[str, ...] = ()
    """Observations and MedicationStatements taken from speech."""
    message: str | None = None
    waiting: str | None = None
    """What no engine could do so far: `transcription`, `note`, or None."""
    usage: tuple[Usage, ...] = ()
    """What engines did, summed by work and engine."""
    revision: int = 0
    """Which transcript is shown: 0 is the one made while people talked."""
    revisions: int = 0
    """How many more transcripts were ordered."""
    revising: bool = False
    """Whether the last of them is still to come."""

    def alert(self, id: str) -> AlertRecord | None:
        """The alert of that id."""
        return next((alert for alert in self.alerts if alert.id == id), None)


class ConsultationStore:
    """The `consultations` collection."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._records = database["consultations"]

    async def read(self, encounter: str, unit: UnitOfWork | None = None) -> ConsultationRecord:
        """One record. Raises `ResourceNotFound` for an encounter that is no consultation."""
        session = unit.session if unit else None
        found = await self._records.find_one({"_id": encounter}, session=session)
        if found is None:
            raise ResourceNotFound("There is no consultation of that id.")
        return (await self._read([found]))[0]

    async def with_alert(self, id: str, unit: UnitOfWork | None = None) -> ConsultationRecord:
        """The consultation that raised an alert. Raises `ResourceNotFound`."""
        session = unit.session if unit else None
        found = await self._records.find_one({"alerts.id": id}, session=session)
        if found is None:
            raise ResourceNotFound("There is no alert of that id.")
        return (await self._read([found]))[0]

    async def all_with_alert(
        self, id: str, unit: UnitOfWork | None = None
    ) -> list[ConsultationRecord]:
        """Every consultation that shows an alert: that of a result may be in several."""
        session = unit.session if unit else None
        found = self._records.find({"alerts.id": id}, session=session)
        return await self._read(await found.to_list())

    async def running_for(
        self, patient: str, unit: UnitOfWork | None = None
    ) -> list[ConsultationRecord]:
        """The consultations of a patient that are not over, as `Patient/p1`."""
        session = unit.session if unit else None
        running = [str(one) for one in RUNNING]
        wanted = {"patient": patient, "state": {"$in": running}}
        return await self._read(await self._records.find(wanted, session=session).to_list())

    async def among(self, encounters: Iterable[str]) -> frozenset[str]:
        """Those of the encounters' ids that are consultations."""
        wanted = {"_id": {"$in": list(encounters)}}
        return frozenset([one["_id"] async for one in self._records.find(wanted, {"_id": 1})])

    async def in_state(self, state: State) -> list[ConsultationRecord]:
        """Every consultation in a state."""
        return await self._read(await self._records.find({"state": str(state)}).to_list())

    async def add(self, unit: UnitOfWork, record: ConsultationRecord) -> None:
        """Insert a new record."""
        (document,) = await sealed(self._database, _NAME, [_to_document(record)])
        await self._records.insert_one(document, session=unit.session)

    async def move(self, unit: UnitOfWork, encounter: str, to: State, *, since: set[State]) -> bool:
        """Change the state if it is one of `since`. False if it is not."""
        changed = await self._records.update_one(
            {"_id": encounter, "state": {"$in": [str(state) for state in since]}},
            {"$set": {"state": str(to)}},
            session=unit.session,
        )
        return changed.matched_count == 1

    async def set(self, unit: UnitOfWork, encounter: str, **fields: Any) -> None:
        """Set plain fields of the record, such as `settled`, `note` or `waiting`."""
        (document,) = await sealed(self._database, _NAME, [{"_id": encounter, **fields}])
        change = {"$set": {name: document[name] for name in fields}}
        await self._records.update_one({"_id": encounter}, change, session=unit.session)

    async def add_usage(self, encounter: str, usage: Usage) -> None:
        """Add to what an engine has done for the consultation."""
        named = {"work": str(usage.work), "engine": usage.engine}
        if usage.cost is not None:
            named["currency"] = usage.cost.currency
        amounts = _amounts(usage)
        changed = await self._records.update_one(
            {"_id": encounter, "usage": {"$elemMatch": named}},
            {"$inc": {f"usage.$.{name}": amount for name, amount in amounts.items()}},
        )
        if changed.matched_count == 0:
            await self._records.update_one(
                {"_id": encounter},
                {"$push": {"usage": {**named, **amounts}}},
            )

    async def claim(self, encounter: str, owner: str, now: datetime, until: datetime) -> bool:
        """Take or keep the consultation for one worker. False while another one has it."""
        changed = await self._records.update_one(
            {
                "_id": encounter,
                "$or": [
                    {"claim": {"$exists": False}},
                    {"claim.owner": owner},
                    {"claim.until": {"$lte": now}},
                ],
            },
            {"$set": {"claim": {"owner": owner, "until": until}}},
        )
        return changed.matched_count == 1

    async def release(self, encounter: str, owner: str) -> None:
        """Let another worker have it."""
        await self._records.update_one(
            {"_id": encounter, "claim.owner": owner}, {"$unset": {"claim": ""}}
        )

    async def waiting(self) -> list[ConsultationRecord]:
        """Every consultation whose work no engine could do so far."""
        found = self._records.find({"state": str(State.STOPPING), "waiting": {"$ne": None}})
        return await self._read(await found.to_list())

    async def set_audio(self, unit: UnitOfWork, encounter: str, audio: AudioFormat) -> None:
        """Replace the declared audio format."""
        await self.set(unit, encounter, audio=_audio_document(audio))

    async def propose(self, unit: UnitOfWork, encounter: str, references: list[str]) -> None:
        """Remember resources that signing will confirm."""
        await self._records.update_one(
            {"_id": encounter},
            {"$addToSet": {"proposals": {"$each": references}}},
            session=unit.session,
        )

    async def add_alert(self, unit: UnitOfWork, encounter: str, alert: AlertRecord) -> None:
        """Remember a new alert."""
        document = await self._alert(alert)
        await self._records.update_one(
            {"_id": encounter}, {"$push": {"alerts": document}}, session=unit.session
        )

    async def set_alert(self, unit: UnitOfWork, alert: AlertRecord) -> None:
        """Replace an alert's payload."""
        document = await self._alert(alert)
        await self._records.update_many(
            {"alerts.id": alert.id},
            {"$set": {"alerts.$.payload": document["payload"]}},
            session=unit.session,
        )

    async def _alert(self, alert: AlertRecord) -> dict[str, Any]:
        document = {"id": alert.id, "key": alert.key, "payload": alert.payload}
        (record,) = await sealed(self._database, _NAME, [{"alerts": [document]}])
        alerts: list[dict[str, Any]] = record["alerts"]
        return alerts[0]

    async def _read(self, documents: list[dict[str, Any]]) -> list[ConsultationRecord]:
        return [_from_document(one) for one in await opened(self._database, _NAME, documents)]


def _audio_document(audio: AudioFormat) -> dict[str, Any]:
    return {"channels": audio.channels, "roles": [str(role) for role in audio.roles]}


def _to_document(record: ConsultationRecord) -> dict[str, Any]:
    return {
        "_id": record.encounter,
        "patient": record.patient,
        "patient_display": record.patient_display,
        "practitioner": record.practitioner,
        "practitioner_display": record.practitioner_display,
        "audio": _audio_document(record.audio),
        "state": str(record.state),
        "started": record.started,
        "transcript": record.transcript,
        "settled": record.settled,
        "segments": record.segments,
        "drained": record.drained,
        "note": record.note,
        "drafted": record.drafted,
        "alerts": [],
        "proposals": [],
        "message": record.message,
        "waiting": record.waiting,
        "usage": [],
        "revision": record.revision,
        "revisions": record.revisions,
        "revising": record.revising,
    }


def _amounts(usage: Usage) -> dict[str, float]:
    amounts = {
        "seconds": usage.seconds,
        "audio_seconds": usage.audio_seconds,
        "tokens_in": usage.tokens_in,
        "tokens_out": usage.tokens_out,
    }
    return amounts if usage.cost is None else {**amounts, "cost": usage.cost.amount}


def _usage(found: dict[str, Any]) -> Usage:
    return Usage(
        work=Work(found["work"]),
        engine=found["engine"],
        seconds=found["seconds"],
        audio_seconds=found["audio_seconds"],
        tokens_in=found["tokens_in"],
        tokens_out=found["tokens_out"],
        cost=Cost(found["cost"], found["currency"]) if "currency" in found else None,
    )


def _from_document(found: dict[str, Any]) -> ConsultationRecord:
    audio = found["audio"]
    plain = (
        "patient",
        "patient_display",
        "practitioner",
        "practitioner_display",
        "started",
        "transcript",
        "settled",
        "segments",
        "drained",
        "note",
        "message",
    )
    return ConsultationRecord(
        encounter=found["_id"],
        audio=AudioFormat(audio["channels"], tuple(Role(role) for role in audio["roles"])),
        state=State(found["state"]),
        alerts=tuple(AlertRecord(a["id"], a["key"], a["payload"]) for a in found["alerts"]),
        proposals=tuple(found["proposals"]),
        waiting=found.get("waiting"),
        usage=tuple(_usage(one) for one in found.get("usage", [])),
        drafted=found.get("drafted"),
        **{name: found[name] for name in plain},
        # Consultations of earlier versions have none of these.
        revision=found.get("revision", 0),
        revisions=found.get("revisions", 0),
        revising=found.get("revising", False),
    )
